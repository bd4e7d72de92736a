"""Secrets: typed where they belong only, and in nothing that leaves the keeper."""

import io
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image
from pydantic import SecretStr, ValidationError

from env.base import Line, Node, Shots, Window
from env.hiding import hiding
from env.kept import KeptEnvironment
from env.ocr import read_lines
from env.setup import Launch, OpenUrl, PutFile, Serve, SetupStep
from env.vault import Misplaced, Place, Secret, Vault
from env.veil import legible, veiled
from env.world import WorldSpec
from tests.env.worlds import PAGES, SIZE
from tools.actions import Key, LeftClick, Type
from tools.base import Frame
from tools.geometry import Box, Rect, Size

VALUE = "Zeppelin/7&Ω häfen"
TYPED = Type(text="{{secret:shop}}")
SHOP = Secret(value=SecretStr(VALUE), domains=("site.test", "shop.example"), apps=("Mousepad",))
PAGE: tuple[SetupStep, ...] = (Serve(folder="secret"), OpenUrl(url="http://site.test/"))


def filled(place: Place, text: str = TYPED.text) -> str:
    action = Vault({"shop": SHOP}).filled(Type(text=text), place)
    assert isinstance(action, Type)
    return action.text


def test_a_secret_is_put_in_where_it_belongs() -> None:
    assert filled(Place(urls=("https://www.shop.example/login",))) == VALUE
    assert filled(Place(urls=("http://site.test/", "about:srcdoc")[:1])) == VALUE
    assert filled(Place(app="mousepad"), "a {{ secret:shop }} b") == f"a {VALUE} b"


@pytest.mark.parametrize(
    ("place", "text", "why"),
    [
        (Place(urls=("https://evil.example/",)), TYPED.text, "belongs to site.test, shop.example, Mousepad, not to"),
        (Place(urls=("https://shop.example.evil.example/",)), TYPED.text, "belongs to"),
        (Place(urls=("https://shop.example/", "https://ads.example/")), TYPED.text, r"not to https://ads.example/"),
        (Place(urls=("http://shop.example/",)), TYPED.text, "typed over https only"),
        (Place(urls=("about:blank",)), TYPED.text, "belongs to"),
        (Place(app="xterm"), TYPED.text, "not to xterm"),
        (Place(), TYPED.text, "not to nothing"),
        (Place(app="mousepad"), "{{secret:bank}}", "there is no secret 'bank' here; known are: shop"),
    ],
)
def test_elsewhere_it_is_refused(place: Place, text: str, why: str) -> None:
    with pytest.raises(Misplaced, match=why) as refused:
        filled(place, text)
    assert VALUE not in str(refused.value)


def test_a_value_is_masked_in_every_form() -> None:
    vault = Vault({"shop": SHOP})
    told = {
        "plain": [VALUE, f"x{VALUE}y"],
        "url": "http://a/?q=Zeppelin%2F7%26%CE%A9%20h%C3%A4fen&r=Zeppelin%2F7%26%CE%A9+h%C3%A4fen",
        "html": "Zeppelin/7&amp;Ω häfen",
        "json": '"Zeppelin/7&\\u03a9 h\\u00e4fen"',
        VALUE: None,
    }
    masked = vault.masked(told)
    assert "Zeppelin" not in repr(masked)
    assert masked["plain"] == ["{{secret:shop}}", "x{{secret:shop}}y"]
    assert vault.masked(VALUE.encode()) == b"{{secret:shop}}"


def test_no_message_of_a_malformed_secret_holds_its_value() -> None:
    with pytest.raises(ValidationError) as refused:
        Secret.model_validate({"value": VALUE, "domain": VALUE})
    assert VALUE not in str(refused.value)
    assert VALUE not in repr(SHOP)


def test_a_veil_covers_a_rectangle_and_nothing_else() -> None:
    out = io.BytesIO()
    Image.new("RGB", (100, 60), "white").save(out, "PNG")
    frame = Frame(out.getvalue(), Size(100, 60))
    assert veiled(frame, []) is frame
    picture = Image.open(io.BytesIO(veiled(frame, [Rect(20, 20, 40, 30), Rect(90, 50, 300, 300)]).png))
    assert picture.getpixel((20, 20)) == picture.getpixel((39, 29)) == picture.getpixel((99, 59)) == (60, 64, 67)
    assert picture.getpixel((10, 10)) == picture.getpixel((60, 25)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("read", "covered"),
    [
        ("your PIN is Zeppelin42", True),
        ("your PIN is Zeppe1in 42", True),
        ("Zepplin42", True),
        ("zeppel1n4z!", True),
        ("Zeppelins fly at 42 knots", False),
        ("a table with many words", False),
        ("", False),
    ],
)
def test_what_ocr_reads_as_a_secret_is_covered(read: str, covered: bool) -> None:
    line = Line(text=read, rect=Rect(1, 2, 3, 4), score=1)
    assert legible([line], ["Zeppelin42"]) == ((line.rect,) if covered else ())


def test_what_an_x_display_hides() -> None:
    box, whole = Rect(10, 10, 50, 30), Rect(0, 0, 400, 300)
    windows = [Window(title="note", app="Mousepad", rect=whole, active=True)]

    def field(text: str, role: str = "text") -> Node:
        return Node(role=role, name="", text=text, rect=box, states=frozenset({"focused"}), app="mousepad")

    assert hiding([field(f"a {VALUE}")], windows, {"Mousepad"}, [VALUE]) == (box,)
    assert hiding([field("")], windows, {"Mousepad"}, [VALUE]) == (whole,)
    assert hiding([field("••••", "password text")], windows, {"Mousepad"}, [VALUE]) == ()
    assert hiding([field("")], windows, set(), [VALUE]) == ()
    titled = [Window(title=f"{VALUE} - Mousepad", app="Mousepad", rect=Rect(0, 50, 400, 300), active=True)]
    assert hiding([], titled, set(), [VALUE]) == (Rect(0, 10, 400, 50),)


def kept(kind: str, secrets: Mapping[str, Secret]) -> KeptEnvironment:
    spec = WorldSpec.model_validate({"kind": kind, "size": SIZE, "assets": PAGES, "lease": 60})
    return KeptEnvironment(spec, secrets=secrets)


def nowhere_in(*folders: Path | None) -> None:
    """Searches every byte of every file for the value and its parts, but in homes, where programs come and go."""
    searched = 0
    for folder in folders:
        assert folder
        for place, inside, names in os.walk(folder):
            inside[:] = set(inside) - {"home"}
            for file in (Path(place, name) for name in names):
                if file.is_file():
                    searched += 1
                    content = file.read_bytes()
                    assert b"Zeppelin" not in content, file
                    assert VALUE.encode("utf-16-le") not in content, file
    assert searched


@pytest.mark.desktop
@pytest.mark.browser
@pytest.mark.parametrize("kind", ["browser", "kiosk"])
async def test_in_a_browser_neither_pictures_nor_facts_show_it(kind: str, tmp_path: Path) -> None:
    world, shots = kept(kind, {"shop": SHOP}), Shots(tmp_path / "shots")
    try:
        await world.reset(PAGE, 0)
        (field,) = await world.probe().elements(css="#open")
        await world.execute(1, LeftClick(bbox_2d=Box.from_rect(field.rect, SIZE)))
        outcome = await world.execute(2, TYPED)
        assert (outcome.ok, outcome.note) == (True, "ok")
        seen = await world.observe(shots)
        lines = await read_lines(seen.path.read_bytes())
        assert not [line.text for line in lines if "Zepp" in line.text or "fen" in line.text]
        probe = world.probe()
        (typed,) = await probe.elements(css="#open")
        assert typed.value == "{{secret:shop}}"
        echoes = [element.text for element in await probe.elements(css="#echo")]
        assert echoes == ["you typed {{secret:shop}}.", "{{secret:shop}}"]
        page = await probe.page()
        assert page
        assert page.title == "Secret {{secret:shop}}"
        assert seen.url == page.url == "http://site.test/?q={{secret:shop}}"
        assert (await probe.posted())[-1].body == {"text": "{{secret:shop}}"}
        await world.execute(3, Key(keys=("tab",)))
        after = await world.observe(shots)
        assert "Zepp" not in " ".join(line.text for line in await read_lines(after.path.read_bytes()))
        nowhere_in(tmp_path, world.folder)
    finally:
        await world.close()


@pytest.mark.browser
async def test_a_browser_at_another_site_does_not_get_it(tmp_path: Path) -> None:
    foreign = Secret(value=SecretStr(VALUE), domains=("shop.example",))
    world = kept("browser", {"shop": foreign})
    try:
        await world.reset(PAGE, 0)
        (field,) = await world.probe().elements(css="#open")
        await world.execute(1, LeftClick(bbox_2d=Box.from_rect(field.rect, SIZE)))
        outcome = await world.execute(2, TYPED)
        assert not outcome.ok
        assert outcome.note == (
            "the secret 'shop' belongs to shop.example, not to http://site.test/; nothing was typed"
        )
        assert [e.value for e in await world.probe().elements(css="#open")] == [""]
    finally:
        await world.close()


@pytest.mark.desktop
async def test_on_a_desktop_the_text_is_covered(tmp_path: Path) -> None:
    world, shots = kept("desktop", {"shop": SHOP}), Shots(tmp_path / "shots")
    editor = (PutFile(path="note.txt", text="one\n"), Launch(command=("mousepad", "note.txt"), window="note.txt"))
    try:
        await world.reset(editor, 0)
        assert "one" in " ".join(line.text for line in await world.probe().screen_text())
        assert (await world.execute(1, TYPED)).ok
        seen = await world.observe(shots)
        assert "Zepp" not in " ".join(line.text for line in await read_lines(seen.path.read_bytes()))
        await world.execute(2, Key(keys=("ctrl", "s")))
        await world.observe(shots)
        assert (await world.probe().read("note.txt")).decode().startswith("{{secret:shop}}")
        assert VALUE not in repr(await world.probe().a11y())
        nowhere_in(tmp_path, world.folder)
    finally:
        await world.close()
