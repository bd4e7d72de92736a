"""Allow-lists: which verbs and domains pass, and that nothing of a page gets past the border."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from env.allow import EVERYTHING, Allow, Border, Refused, place_of
from env.base import Effect, Shots
from env.effect import classify
from env.kept import KeptEnvironment
from env.scripted import ScriptedWorld
from env.settle import until
from env.setup import OpenUrl, Serve
from env.world import WorldSpec
from tests.agent.desk import APP, CLICK_NOTE
from tests.env.worlds import PAGES, SIZE, make
from tools.actions import Goto, LeftClick, NewTab, Type
from tools.geometry import Box

HOME = (Serve(folder="leave"), OpenUrl(url="http://site.test/"))
ONLY_SITE = Allow(domains=("site.test",))


@pytest.mark.parametrize(
    ("domain", "url", "reached"),
    [
        ("shop.example", "https://shop.example/a?b", True),
        ("shop.example", "HTTP://Pay.Shop.Example/", True),
        ("shop.example", "shop.example:8443/basket", True),
        ("shop.example", "http://myshop.example", False),
        ("shop.example", "http://shop.example.evil.test/", False),
        ("shop.example", "http://shop.example@evil.test/", False),
        ("shop.example", "http://evil.test/#shop.example", False),
        ("shop.example:443", "https://shop.example", True),
        ("shop.example:443", "http://shop.example", False),
        ("127.0.0.1:8000", "http://127.0.0.1:8000/", True),
        ("127.0.0.1:8000", "http://127.0.0.1:22/", False),
        ("127.0.0.1", "http://1.127.0.0.1/", False),
    ],
)
def test_a_domain_stands_for_its_subdomains_only(domain: str, url: str, reached: bool) -> None:
    border = Border(Allow(domains=(domain,)))
    assert border.lets(url) is reached
    assert bool(border.refused) is not reached


def test_an_address_that_leads_to_no_host_needs_no_leave() -> None:
    assert place_of("about:blank") is None
    assert place_of("http://:99999999/") is None
    assert Border(ONLY_SITE).lets("about:blank")


def test_two_lists_allow_what_both_do() -> None:
    ours = Allow(actions=("type", "key", "goto"), domains=("example.com", "site.test:80"))
    theirs = Allow(actions=("key", "goto"), domains=("pay.example.com", "site.test"))
    both = ours.narrowed(theirs)
    assert both.actions == ("key", "goto")
    assert set(both.domains or ()) == {"pay.example.com", "site.test:80"}
    assert ours.narrowed(EVERYTHING) == ours == EVERYTHING.narrowed(ours)
    assert ours.narrowed(Allow(domains=("other.test",))).domains == ()


def test_what_is_no_verb_and_no_domain_is_refused() -> None:
    with pytest.raises(ValidationError, match="there is no action 'clik'"):
        Allow(actions=("clik",))
    with pytest.raises(ValidationError, match="is no domain; write one as"):
        Allow(domains=("https://shop.example/",))


async def test_a_verb_that_is_not_allowed_is_told_and_not_done(tmp_path: Path) -> None:
    world = ScriptedWorld(APP, allow=Allow(actions=("left_click",), domains=("site.test",)))
    await world.reset((), 0)
    assert (await world.execute(1, CLICK_NOTE)).ok
    outcome = await world.execute(2, Type(text="milk"))
    assert (outcome.ok, outcome.note) == (False, "type is not allowed here: only left_click")
    assert world.state().fields["Note"] == ""
    assert await world.execute(2, Type(text="milk")) == outcome
    assert await world.probe().refused() == (Refused(kind="action", what="type"),)


def guarded(kind: str, allow: Allow) -> KeptEnvironment:
    return KeptEnvironment(
        WorldSpec.model_validate({"kind": kind, "size": SIZE, "assets": PAGES, "lease": 60, "allow": allow})
    )


async def click(world: KeptEnvironment, number: int, css: str, shots: Shots) -> str:
    """Clicks an element; what the next look tells of it."""
    (element,) = await world.probe().elements(css=css)
    assert (await world.execute(number, LeftClick(bbox_2d=Box.from_rect(element.rect, SIZE)))).ok
    return (await world.observe(shots)).note


@pytest.mark.desktop
@pytest.mark.browser
@pytest.mark.parametrize("kind", ["browser", "kiosk"])
async def test_a_page_cannot_lead_out_of_the_allowed_domains(kind: str, tmp_path: Path) -> None:
    world, shots = guarded(kind, ONLY_SITE), Shots(tmp_path)
    try:
        await world.reset(HOME, 0)
        first = await world.observe(shots)
        for number, (css, path) in enumerate((("#link", "/link?key=42"), ("#form", "/form"), ("#secure", "")), start=1):
            told = await click(world, number, css, shots)
            assert "://collect.test" in told
            assert f"{path} was not opened: only site.test may be" in told
            seen = await world.observe(shots)
            assert seen.url == first.url
            assert classify(first.path, seen.path, None, SIZE) in (Effect.UNCHANGED, Effect.CHANGED)
            assert [e.text for e in await world.probe().elements(css="h1")] == ["Ways out"]
        for number, css in enumerate(("#beacon", "#fetch"), start=4):
            assert await click(world, number, css, shots) == ""
        outcome = await world.execute(6, Goto(url="collect.test/typed"))
        assert (outcome.ok, outcome.note) == (False, "collect.test/typed was not opened: only site.test may be")
        assert not (await world.execute(7, NewTab(url="http://collect.test/new"))).ok
        assert "/tab was not opened" in await click(world, 8, "#tab", shots)

        async def all_refused() -> bool | None:
            what = " ".join(refused.what for refused in await world.probe().refused())
            ways = ("/link?key=42", "/form", "//collect.test", "/beacon", "/fetch", "/typed", "/new", "/tab")
            return True if all(way in what for way in ways) else None

        await until(all_refused, 30.0, "every way out to be refused")
        assert await world.probe().visited() == ()
    finally:
        await world.close()


@pytest.mark.browser
async def test_subdomains_are_reached_and_without_a_list_every_site_of_the_world(tmp_path: Path) -> None:
    world, shots = guarded("browser", ONLY_SITE), Shots(tmp_path)
    try:
        await world.reset(HOME, 0)
        assert await click(world, 1, "#near", shots) == ""
        assert [visit.host for visit in await world.probe().visited() if visit.path == "/near"] == ["shop.site.test"]
    finally:
        await world.close()
    world = make("browser")
    try:
        await world.reset(HOME, 0)
        await click(world, 1, "#form", shots)
        assert [e.text for e in await world.probe().elements(css="h1")] == ["collect.test"]
        posts = [(v.method, v.path, v.body) for v in await world.probe().visited() if v.host == "collect.test"]
        assert ("POST", "/form", "key=42") in posts
        assert await world.probe().refused() == ()
    finally:
        await world.close()


@pytest.mark.browser
async def test_a_world_without_a_network_reaches_nothing_of_this_machine(tmp_path: Path) -> None:
    world = make("browser")
    try:
        await world.reset(HOME, 0)
        for number, url in enumerate(("http://127.0.0.1:9222/json", "http://localhost/", "https://example.com/"), 1):
            await world.execute(number, Goto(url=url))
            await world.observe(Shots(tmp_path))
            text = await world.probe().script("document.body.innerText")
            assert "webSocketDebuggerUrl" not in text
    finally:
        await world.close()
