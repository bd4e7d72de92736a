"""Where the tokens of a lesson look: letters of a name at themselves, what comes before numbers at their box."""

from agent.school.lesson import Letter
from agent.school.looks import Text, looks

LETTERS = (Letter("O", 32, 0, 48, 32), Letter("k", 64, 32, 80, 64), Letter("x", 0, 0, 16, 32))
SIZE, GRID = (64, 96), (4, 6)
"""Tokens of 32x32 pixels, in 2 rows of 3."""


def told(prompt: str, answer: str) -> list[tuple[bool, int, int]]:
    """Where each letter of both looks, with a token for every character, and for every number of a box."""

    def text(whole: str, first: int) -> Text:
        return Text(whole, [(place, place + 1) for place in range(len(whole))], first)

    return sorted(
        (one.ahead, one.place, one.cell)
        for one in looks(text(prompt, 0), text(answer, len(prompt)), LETTERS, SIZE, GRID)
    )


def test_what_is_read_aloud_is_looked_at_letter_by_letter() -> None:
    answer = "</think>\nO k\nx"
    at = {sign: 5 + answer.index(sign, 8) for sign in "Okx"}
    cells = {"O": 1, "k": 5, "x": 0}
    expected = [(False, at[sign], cells[sign]) for sign in cells] + [
        (True, at[sign] - 1, cells[sign]) for sign in cells
    ]
    assert told("Read:", answer) == sorted(expected)
    assert told("Read:", "</think>\nO k") == []  # not all that there is


def test_a_name_looks_at_itself_and_numbers_at_their_box() -> None:
    prompt, answer = '"k" or "x"?', "[600, 500, 900, 1000]"
    found = told(prompt, answer)
    assert (False, prompt.index("k"), 5) in found
    assert not [look for look in found if look[1] == prompt.index("x")]
    first = len(prompt) + answer.index("6")
    assert {cell for ahead, place, cell in found if ahead and place == first - 1} == {4, 5}
    assert not [look for look in found if not look[0] and look[1] >= len(prompt)]


def test_short_names_are_not_found_by_chance() -> None:
    assert not [look for look in told("kick", "[600, 500, 900, 1000]") if look[1] < 4]


def test_words_before_the_picture_do_not_look_at_it() -> None:
    prompt = '"O" in <|vision_end|>"O"'
    assert {place for _, place, _ in told(prompt, "[300, 0, 600, 400]") if place < len(prompt)} == {prompt.rindex("O")}


def test_what_stands_at_a_box_is_looked_at_from_the_numbers_asked_and_from_the_answer() -> None:
    prompt, answer = "<|vision_end|>At [300, 0, 600, 400]?", '</think>"O"'
    found = told(prompt, answer)
    assert (False, prompt.index("300"), 1) in found
    assert (True, len(prompt) + answer.index("O") - 1, 1) in found
    earlier = prompt.replace("<|vision_end|>", "") + "<|vision_end|>"  # of another picture
    assert not told(earlier, answer)
