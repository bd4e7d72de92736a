"""Names of keys, and what each library calls them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.async_api import async_playwright

from tests.tools.editors import CHROMIUM
from tools.keys import _CHARACTERS, _KEYS, Key, UnknownKey, chord, find, to_playwright


@pytest.mark.parametrize(
    ("names", "playwright", "keysym"),
    [
        ("ctrl Control CTRL ctrl_l Control_R ctrlleft ControlRight", "Control", "Control_L"),
        ("cmd win super meta Super_L windows MetaLeft", "Meta", "Super_L"),
        ("alt Alt_L option altright", "Alt", "Alt_L"),
        ("shift Shift_R shiftleft", "Shift", "Shift_L"),
        ("return Enter KP_Enter NumpadEnter", "Enter", "Return"),
        ("esc Escape", "Escape", "Escape"),
        ("pgup page_up PageUp Page-Up Prior", "PageUp", "Prior"),
        ("pgdn PageDown next", "PageDown", "Next"),
        ("left ArrowLeft arrow_left kp_left", "ArrowLeft", "Left"),
        ("del Delete", "Delete", "Delete"),
        ("backspace BackSpace bksp", "Backspace", "BackSpace"),
        ("space spacebar", "Space", "space"),
        ("f1 F1", "F1", "F1"),
        ("a KeyA", "a", "U0061"),
        ("A", "A", "U0041"),
        ("7 Digit7 numpad7 KP_7 num7", "7", "U0037"),
        ("plus + add KP_Add", "+", "U002B"),
        ("minus - hyphen", "-", "U002D"),
        ("_ underscore", "_", "U005F"),
        ("menu apps ContextMenu", "ContextMenu", "Menu"),
        ("printscreen prtsc Print", "PrintScreen", "Print"),
    ],
)
def test_names_as_models_write_them(names: str, playwright: str, keysym: str) -> None:
    for name in names.split():
        assert (to_playwright(name), find(name).keysym) == (playwright, keysym)


@given(st.sampled_from([*_KEYS, *_CHARACTERS]), st.data())
def test_case_and_separators_do_not_matter(name: str, data: st.DataObject) -> None:
    written = "".join(
        letter.upper() if data.draw(st.booleans()) else letter + data.draw(st.sampled_from(["", "_", "-", " "]))
        for letter in name
    )
    assert find(written) == find(name)


@given(st.characters())
def test_a_character_is_its_own_key_or_none(character: str) -> None:
    try:
        key = find(character)
    except UnknownKey:
        assert not character.isprintable()
    else:
        assert key.char in (character, None)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("retrun", "did you mean return"),
        ("pagdown", "did you mean pagedown"),
        ("contrl", "did you mean control"),
        ("hello world", "to write text use the action type"),
        ("", "to write text use the action type"),
    ],
)
def test_an_unknown_name_is_told_with_a_suggestion(name: str, hint: str) -> None:
    with pytest.raises(UnknownKey) as caught:
        find(name)
    assert str(caught.value).startswith(f"there is no key {name!r}; {hint}")


@pytest.mark.parametrize("name", ["F13", "ö", "中"])
def test_what_a_page_cannot_get_is_unknown_to_playwright(name: str) -> None:
    assert find(name)
    with pytest.raises(UnknownKey, match="a web page gets no key"):
        to_playwright(name)


def test_a_letter_among_others_is_its_key() -> None:
    assert [key.char or key.keysym for key in chord(["Ctrl", "C"])] == ["Control_L", "c"]
    assert [key.char for key in chord(["C"])] == ["C"]
    assert [key.char or key.keysym for key in chord(["shift", "+"])] == ["Shift_L", "+"]


def test_every_key_has_an_x_name() -> None:
    from Xlib import XK

    XK.load_keysym_group("xkb")
    assert all(XK.string_to_keysym(key.keysym) for key in _KEYS.values())


@pytest.mark.browser
async def test_playwright_presses_every_key() -> None:
    every: set[Key] = {*_KEYS.values(), *map(find, map(chr, range(32, 127)))}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--test-type", "--disable-gpu"])
        page = await browser.new_page()
        await page.set_content(
            "<script>const got = []; onkeydown = e => { got.push(e.key); e.preventDefault() }</script>"
        )
        for name in sorted(key.playwright for key in every if key.playwright):
            await page.keyboard.down(name)
            await page.keyboard.up(name)
        got: list[Any] = await page.evaluate("got")
        assert set(got) >= {key.char for key in every if key.char} | {"Control", "ArrowUp", "F12", "ContextMenu"}
        await browser.close()
