"""What find_elements and page_state say of real pages."""

from typing import TYPE_CHECKING

import pytest

from tools.dom import Element, find_elements, page_state
from tools.errors import EnvError, ScenarioError
from tools.geometry import Rect, Size

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.tools.browser_fixtures import Screen

pytest_plugins = ("tests.tools.browser_fixtures",)
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def one(page: "Page", css: str) -> Element:
    (element,) = await find_elements(page, css=css)
    return element


async def test_an_element_is_described_whole(screen: "Screen") -> None:
    page = await screen.open("""
        <label for=m>E-mail  address</label>
        <style>input { position:absolute; inset:40px auto auto 300px; width:100px; height:30px; padding:0 }
        </style><input id=m type=email value=a@b.c data-x=1>""")
    assert await one(page, "input") == Element(
        tag="input",
        role="textbox",
        name="E-mail address",
        text="",
        value="a@b.c",
        rect=Rect(300, 40, 404, 74),
        visible=True,
        enabled=True,
        checked=None,
        attributes={"id": "m", "type": "email", "value": "a@b.c", "data-x": "1"},
    )


ROLES = """
<a href=# id=1>Home <b>page</b></a><a id=2>plain</a><button id=3 title=tip></button><button id=4 aria-label=Close>x
</button><input type=submit value=Go id=5><input type=checkbox id=6 aria-labelledby='t1 t2'><i id=t1>first</i>
<i id=t2>second</i>
<label>Age<input type=number id=7></label><input placeholder=Search type=search id=8><input type=password id=9>
<select id=10><option id=11 selected>A</select><select multiple id=12></select><h2 id=13>Title</h2><img alt=Cat id=14>
<div role='tab button' id=15>Tab</div><textarea id=16>old</textarea><input list=l id=17><datalist id=l></datalist>
"""


async def test_roles_and_names(screen: "Screen") -> None:
    page = await screen.open(ROLES)
    found = [await one(page, f"[id='{number}']") for number in range(1, 18)]
    assert [(element.role, element.name) for element in found] == [
        *(("link", "Home page"), ("", "plain"), ("button", "tip"), ("button", "Close"), ("button", "Go")),
        *(("checkbox", "first second"), ("spinbutton", "Age"), ("searchbox", "Search"), ("", ""), ("combobox", "")),
        *(("option", "A"), ("listbox", ""), ("heading", "Title"), ("img", "Cat"), ("tab", "Tab"), ("textbox", "")),
        ("combobox", ""),
    ]


async def test_states(screen: "Screen") -> None:
    page = await screen.open("""
        <input type=checkbox id=on checked><input type=radio id=off><input type=checkbox id=half>
        <div role=switch aria-checked=true id=switch>s</div><button disabled id=dead>d</button>
        <fieldset disabled><input id=inherited value=v></fieldset><a aria-disabled=true id=aria href=#>a</a>
        <select id=s><option>one<option selected>two</select><script>half.indeterminate = true</script>""")
    checked = {css: (await one(page, css)).checked for css in ("#on", "#off", "#half", "#switch", "#dead")}
    assert checked == {"#on": True, "#off": False, "#half": None, "#switch": True, "#dead": None}
    enabled = {css: (await one(page, css)).enabled for css in ("#on", "#dead", "#inherited", "#aria")}
    assert enabled == {"#on": True, "#dead": False, "#inherited": False, "#aria": False}
    values = {css: (await one(page, css)).value for css in ("#s", "#inherited", "#dead")}
    assert values == {"#s": "two", "#inherited": "v", "#dead": None}


async def test_elements_are_found_by_role_and_name(screen: "Screen") -> None:
    page = await screen.open(
        "<button>Save all</button><button>save</button><a href=#>Save</a><button hidden>Save</button>"
    )

    async def texts(**how: object) -> list[str]:
        return [element.text for element in await find_elements(page, **how)]  # type: ignore[arg-type]  # any mixture

    assert await texts(role="button") == ["Save all", "save"]
    assert await texts(role="button", name="Save") == ["Save all", "save"]
    assert await texts(role="button", name="Save all", exact=True) == ["Save all"]
    assert await texts(role="button", name="Save", exact=True) == []
    assert await texts(css="button", text="all") == ["Save all"]


async def test_elements_are_found_by_text(screen: "Screen") -> None:
    page = await screen.open("""<ul><li>Buy  <b>milk</b> today<li>Buy bread</ul><input type=button value='Buy now'>
        <script>const never = 'Buy milk'</script>""")

    async def tags(text: str, exact: bool = False) -> list[str]:
        return [element.tag for element in await find_elements(page, text=text, exact=exact)]

    assert await tags("buy") == ["li", "li", "input"]
    assert await tags("milk") == ["b"]
    assert await tags("buy milk") == ["li"]
    assert await tags("Buy milk today", exact=True) == ["li"]
    assert await tags("Buy", exact=True) == []


COVER = "position:absolute; left:100px; top:100px; width:100px; height:100px;"


CLICKABLE: list[tuple[str, bool, Rect | None]] = [
    (f"<p id=e style='margin:0; {COVER}'>", True, Rect(100, 100, 200, 200)),
    (f"<p id=e style='margin:0; {COVER}'></p><div style='{COVER}'>", False, Rect(100, 100, 200, 200)),
    (f"<p id=e style='margin:0; {COVER}'></p><div style='{COVER} pointer-events:none'>", True, None),
    (f"<p id=e style='margin:0; {COVER}'><b style='{COVER} left:0; top:0'>child</b>", True, None),
    (f"<p id=e style='margin:0; {COVER}'></p><div style='{COVER} width:40px'>", True, Rect(100, 100, 200, 200)),
    (f"<p id=e style='{COVER} visibility:hidden'>", False, None),
    ("<p id=e style='display:none'>", False, Rect(0, 0, 0, 0)),
    (f"<p id=e style='margin:0; {COVER} left:-40px; top:450px'>", True, Rect(0, 450, 60, 500)),
    (f"<p id=e style='{COVER} left:1000px'>", False, Rect(0, 0, 0, 0)),
    (f"<p id=e style='{COVER} opacity:0'>", True, None),
]


async def test_what_can_be_clicked(screen: "Screen") -> None:
    for html, visible, rect in CLICKABLE:
        element = await one(await screen.open(html), "#e")
        assert element.visible is visible, html
        assert rect is None or element.rect == rect, html


SCROLLED = """
<style>section { position:absolute; width:200px; height:100px } p { height:60px; width:400px; margin:0 }</style>
<section id=box style='left:100px; top:100px; overflow:hidden; border:5px solid'>
  <p id=a></p><p id=b></p><p id=c></p>
  <p id=fixed style='position:fixed; left:600px; top:400px; width:50px; height:50px'></p>
</section>
<div style='overflow:hidden; width:10px; height:10px'>
  <p id=free style='position:absolute; left:500px; top:10px; width:30px; height:30px'></p></div>
"""


async def test_scrolled_parts_do_not_count(screen: "Screen") -> None:
    page = await screen.open(SCROLLED)
    found = {id: await one(page, f"#{id}") for id in ("a", "b", "c", "fixed", "free")}
    assert {id: tuple(element.rect) for id, element in found.items()} == {
        "a": (105, 105, 305, 165),
        "b": (105, 165, 305, 205),
        "c": (0, 0, 0, 0),
        "fixed": (600, 400, 650, 450),
        "free": (500, 10, 530, 40),
    }
    assert [id for id, element in found.items() if not element.visible] == ["c"]


async def test_a_wrapped_link_is_clicked_on_its_longest_line(screen: "Screen") -> None:
    page = await screen.open(
        "<p style='width:300px; font:16px monospace'>Words before it <a href=# id=w>wrapped here and then some</a>"
    )
    link = await one(page, "#w")
    assert link.visible
    await page.evaluate("void w.addEventListener('click', e => { w.title = 'clicked' })")
    await screen.do("left_click", at=link.rect.center)
    assert (await one(page, "#w")).attributes["title"] == "clicked"


async def test_open_shadow_roots_are_pierced(screen: "Screen") -> None:
    page = await screen.open("""
        <x-card id=host><span slot=title>slotted</span></x-card><div id=over></div>
        <script>
          const root = host.attachShadow({mode: 'open'});
          root.innerHTML = `<div style='position:absolute; left:50px; top:60px; width:200px; overflow:hidden'>
            <slot name=title></slot><button id=inner style='width:90px; height:40px'>deep</button></div>`;
        </script>""")
    button = await one(page, "x-card #inner")
    assert (button.visible, button.name) == (True, "deep")
    assert (await one(page, "[slot=title]")).visible
    await page.evaluate("over.style.cssText = 'position:absolute; inset:0; background:white'")
    assert not (await one(page, "#inner")).visible


INNER = (
    "<style>body { margin:0 }</style><button id=i style='width:80px; height:40px'>in</button><div style='height:900px'>"
)


async def test_frames_of_the_same_origin_are_searched(screen: "Screen") -> None:
    screen.site["/inner"] = INNER
    screen.site["/outer"] = (
        "<style>body { margin:0 }</style>"
        "<iframe src=/inner style='margin:10px 0 0 20px; border:3px solid; padding:5px; width:300px; height:100px'>"
    )
    page = await screen.open("""<iframe src=/outer style='position:absolute; left:100px; top:50px; border:0;
        width:400px; height:200px; transform:scale(0.5); transform-origin:0 0'></iframe><div id=cover></div>""")
    button = await one(page, "#i")
    assert button.rect == Rect(114, 59, 154, 79)  # 100 + (20 + 3 + 5) / 2, 50 + (10 + 3 + 5) / 2
    assert button.visible
    await page.frames[2].evaluate("void addEventListener('click', e => { document.title = e.target.id })")
    await screen.do("left_click", at=button.rect.center)
    assert await page.frames[2].title() == "i"
    await page.frames[2].evaluate("scrollTo(0, 30)")
    assert (await one(page, "#i")).rect == Rect(114, 59, 154, 64)
    await page.evaluate("cover.style.cssText = 'position:absolute; inset:0'")
    assert not (await one(page, "#i")).visible


async def test_frames_of_another_origin_are_left_out(screen: "Screen") -> None:
    screen.site["http://other.test/"] = INNER
    page = await screen.open("<iframe src=http://other.test/></iframe>")
    assert await find_elements(page, css="#i") == []
    assert len(await find_elements(page, css="iframe")) == 1


async def test_rectangles_fit_the_picture(screen: "Screen") -> None:
    page = await screen.open(f"<p id=e style='margin:0; {COVER}'>")
    (element,) = await find_elements(page, css="#e", picture=Size(2000, 1000))
    assert element.rect == Rect(200, 200, 400, 400)
    assert element.visible


async def test_a_bad_question_is_the_scenarios_fault(screen: "Screen") -> None:
    page = await screen.open("<a>x</a>")
    with pytest.raises(ScenarioError, match="by css, by role"):
        await find_elements(page)
    with pytest.raises(ScenarioError, match="by css, by role"):
        await find_elements(page, name="Save")
    for css in ("a[", "a:nope(1)"):
        with pytest.raises(ScenarioError, match="bad selector"):
            await find_elements(page, css=css)


async def test_a_closed_page_is_a_broken_world(screen: "Screen") -> None:
    await screen.page.close()
    with pytest.raises(EnvError):
        await find_elements(screen.page, css="a")
    with pytest.raises(EnvError):
        await page_state(screen.tabs)


async def test_the_state_of_the_tabs(screen: "Screen") -> None:
    await screen.open("", "/one")
    await screen.do("new_tab")
    await screen.open("", "/two")
    await screen.do("switch_tab", tab=0)
    state = await page_state(screen.tabs)
    assert (state.url, state.title, state.front) == ("http://site.test/one", "/one", 0)
    assert [(tab.url, tab.title) for tab in state.tabs] == [
        (f"http://site.test{path}", path) for path in ("/one", "/two")
    ]
