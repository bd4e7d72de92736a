"""What is on the screen in words, as a model gets it."""

from pathlib import Path

from agent.listing import LONGEST, MARKS, TREE, listing
from agent.prompt import Image, Text, User, messages
from env.base import Item, Observation, Picture
from tools.geometry import Box, Size

SEND = Item(role="button", name='Send "it"\nnow', acts=True, box=Box(x1=10, y1=20, x2=30, y2=40))
NAME = Item(role="textbox", name="Name", state="value 'Ada'", acts=True, box=Box(x1=0, y1=0, x2=500, y2=1000))
NAMELESS = Item(role="link", name="", acts=True, box=Box(x1=1, y1=2, x2=3, y2=4))


def seen(*items: Item, marked: Picture | None = None) -> Observation:
    return Observation(
        path=Path("a.png"), sha256="a", size=Size(640, 400), settled=True, waited=0, items=items, marked=marked
    )


def test_pixels_alone_have_no_list() -> None:
    assert listing(seen()) == ""
    [_, user] = messages("Do it.", [], seen(), None)
    assert isinstance(user, User)
    assert user.parts == (Image(path=Path("a.png"), sha256="a"), Text(text="Instruction: Do it."))


def test_every_thing_has_a_line_and_stays_on_it() -> None:
    assert listing(seen(SEND, NAME, NAMELESS)).splitlines() == [
        TREE, r'button "Send \"it\"\nnow" [10, 20, 30, 40]', "textbox \"Name\" [0, 0, 500, 1000] (value 'Ada')",
        "link [1, 2, 3, 4]",
    ]  # fmt: skip


def test_marks_are_numbered_and_their_picture_is_the_one_that_is_sent() -> None:
    marked = seen(SEND, NAMELESS, marked=Picture(path=Path("b.png"), sha256="b"))
    [_, user] = messages("Do it.", [], marked, None)
    assert isinstance(user, User)
    picture, goal = user.parts
    assert isinstance(picture, Image)
    assert (picture.path, picture.sha256) == (Path("b.png"), "b")
    assert picture.words.splitlines() == [MARKS, r'1 button "Send \"it\"\nnow" [10, 20, 30, 40]', "2 link [1, 2, 3, 4]"]
    assert goal == Text(text="Instruction: Do it.")


def test_a_long_list_is_cut_and_counted() -> None:
    text = listing(seen(*[NAME] * 500))
    shown = text.count("textbox")
    assert len(text) < LONGEST + 200
    assert text.endswith(f"\n({500 - shown} more)")
