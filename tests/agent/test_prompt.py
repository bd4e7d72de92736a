from pathlib import Path

import pytest

from agent.model import reply
from agent.parse import parse
from agent.prompt import Assistant, Image, Message, System, Text, Tool, User, messages
from agent.trace import Completion, Step
from env.base import Effect, Observation
from tools.actions import ComputerAction, Key, LeftClick, Outcome
from tools.geometry import GridPoint, Size

CLICK = LeftClick(coordinate=GridPoint(500, 300))


def look(name: str, *, settled: bool = True) -> Observation:
    return Observation(path=Path(f"/shots/{name}.png"), sha256=name, size=Size(640, 400), settled=settled, waited=0.1)


def turn(
    number: int, picture: str, said: str | ComputerAction, outcome: Outcome | None = None, effect: Effect | None = None
) -> Step:
    completion = Completion(text=said if isinstance(said, str) else reply("I see it.", "Click it.", said))
    return Step(number=number, seen=look(picture), effect_before=effect, completion=completion, reply=parse(completion),
                outcome=outcome)  # fmt: skip


STEPS = [
    turn(1, "a", CLICK, Outcome(ok=True)),
    turn(2, "b", Key(keys=("hyper",)), Outcome(ok=False, note="there is no key 'hyper'"), Effect.CHANGED),
    turn(3, "b", "I am not sure.</think>What now?" + "!" * 600, None),
    turn(4, "b", "Nor now.", None),
    turn(5, "c", CLICK, Outcome(ok=True)),
]


def results(told: tuple[Message, ...]) -> list[str]:
    tools = [message for message in told if isinstance(message, Tool)]
    return [part.text for message in tools for part in message.parts if isinstance(part, Text)]


def test_the_first_turn_is_instructions_picture_and_goal() -> None:
    system, user = messages("Save it.", [], look("a"), None)
    assert isinstance(system, System)
    assert user == User(parts=(Image(path=Path("/shots/a.png"), sha256="a"), Text(text="Instruction: Save it.")))


def test_a_conversation() -> None:
    told = messages("Save it.", STEPS, look("d"), Effect.UNCHANGED)
    assert [message.role for message in told] == ["system", "user", *["assistant", "tool"] * 5]
    first = told[2]
    assert isinstance(first, Assistant)
    assert (first.thought, first.text, first.call) == ("I see it.", "Action: Click it.", CLICK)
    assert results(told) == [
        "ok; the screen changed at the target",
        "error: there is no key 'hyper'",
        "error: your last answer could not be carried out: there is no <tool_call> in it. Reply with one <tool_call>.",
        "error: your last answer could not be carried out: there is no <tool_call> in it. Reply with one <tool_call>.",
        "ok; nothing changed on the screen",
    ]


def test_an_unreadable_reply_is_shown_in_part_and_an_equal_picture_not_again() -> None:
    told = messages("Save it.", STEPS, look("d"), None)
    unreadable = told[6]
    assert isinstance(unreadable, Assistant)
    assert unreadable.call is None
    assert len(unreadable.text) == 500
    assert unreadable.text.startswith("What now?!")
    pictures = [[p.sha256 for p in m.parts if isinstance(p, Image)] for m in told if isinstance(m, Tool)]
    assert pictures == [["b"], ["b"], [], ["c"], ["d"]]


@pytest.mark.parametrize(
    ("effect", "settled", "text"),
    [
        (Effect.CHANGED, True, "ok; the screen changed at the target"),
        (Effect.ELSEWHERE, True, "ok; the screen changed, but not around the target"),
        (Effect.UNCHANGED, False, "ok; nothing changed on the screen; the screen is still changing"),
        (None, True, "ok"),
    ],
)
def test_what_the_last_action_did_is_told(effect: Effect | None, settled: bool, text: str) -> None:
    assert results(messages("x", STEPS[:1], look("d", settled=settled), effect)) == [text]


@pytest.mark.parametrize("turns", range(len(STEPS)))
def test_messages_are_only_ever_added(turns: int) -> None:
    now = STEPS[turns]
    earlier = messages("Save it.", STEPS[:turns], now.seen, now.effect_before)
    later = messages("Save it.", STEPS, look("d"), None)
    assert later[: len(earlier)] == earlier
