"""Tells what a person does in the pages of a Chromium window: each event by a script in the page, with what it hit.

The script runs in every frame before the page's own and takes its way out of the page with it, so that no page can use
it. Events that scripts make up are left out. What is typed into a field for passwords does not leave the page, but
where `private` is false. A frame of another origin does not know where it is: there only keys are told.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from tools import keys
from tools.actions import Back, Goto, NewTab, SwitchTab
from tools.deeds import Char, Chord, Event, Press, Release, Target, Went, Wheel
from tools.dom import DESCRIBE
from tools.geometry import Point, Rect
from tools.tabs import Tabs, quietly

if TYPE_CHECKING:
    from playwright.async_api import Frame, Page

_WAY_OUT = "__surehand_witness"
_TYPED = {"typed", "generated", "keyword", "keyword_generated", "auto_bookmark", "address_bar"}
"""Chromium's names for how a person goes to an address around the page (DevTools protocol, Page.TransitionType)."""
_RELOAD = (("f5",), ("ctrl", "r"), ("ctrl", "f5"), ("ctrl", "shift", "r"))
_BACK = ("alt", "left")
_AROUND = {
    *(("ctrl", key) for key in ("l", "t", "w", "n", "tab", "pageup", "pagedown", *"123456789")),
    *(("alt", key) for key in ("d", *"12345678")), ("ctrl", "shift", "tab"), ("ctrl", "shift", "t"), ("f6",),
}  # fmt: skip
"""Keys for the browser and not for the page; what they lead to is told."""
_MODIFIERS = ("ctrl", "alt", "shift", "meta", "altgr", "capslock", "numlock")

_SCRIPT = """
(() => {
  const out = globalThis[WAY_OUT];
  delete globalThis[WAY_OUT];
  if (!out) return;
  const describe = DESCRIBE;
  const USED = 'a, button, input, select, textarea, summary, label, option, [role], [tabindex], [contenteditable]';
  const EXACT = 'canvas, svg, video, iframe, textarea, map, [usemap], [contenteditable], input[type=range], html, body';
  const up = node => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host;
  const words = text => (text ?? '').replace(/\\s+/g, ' ').trim().slice(0, 80);

  const outward = (x, y) => {  // from this frame's viewport to that of the page
    let view = window;
    for (; view.frameElement; view = view.parent) {
      const element = view.frameElement, r = element.getBoundingClientRect();
      const style = element.ownerDocument.defaultView.getComputedStyle(element);
      x = r.left + (element.clientLeft + parseFloat(style.paddingLeft) + x) * (r.width / element.offsetWidth || 1);
      y = r.top + (element.clientTop + parseFloat(style.paddingTop) + y) * (r.height / element.offsetHeight || 1);
    }
    return view === view.parent ? [Math.floor(x), Math.floor(y)] : null;
  };

  const told = element => {
    if (element.matches('html, body')) return [null, 'the page'];
    const d = describe([element], null)[0];
    const role = d?.role || element.localName, name = words(d?.name) || words(element.innerText);
    return [d, `the ${role}${name ? ` '${name}'` : ''}`];
  };

  const hit = event => {
    let element = event.composedPath()[0];
    if (!(element instanceof Element)) element = document.documentElement;
    let used = element;
    while (used && !used.matches(USED)) used = up(used);
    const target = used ?? element, [d, said] = told(target);
    const [left, top, right, bottom] = d?.rect ?? [0, 0, 0, 0];
    const large = (right - left) * (bottom - top) > 0.05 * innerWidth * innerHeight;
    const placed = element.matches(EXACT) || target.matches(EXACT)
      || (target.localName === 'input' && !!target.value && target.selectionStart !== null);
    return {target: said, rect: d?.visible && !large && !placed ? d.rect : null};
  };

  const focused = () => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    return element ?? document.documentElement;
  };
  const secret = element => element.localName === 'input' && element.type === 'password' && PRIVATE;

  const send = (kind, event, more) => {
    if (event.isTrusted) out({kind, when: performance.timeOrigin + event.timeStamp, ...more});
  };
  const held = event => [['ctrl', event.ctrlKey], ['alt', event.altKey], ['meta', event.metaKey],
                         ['shift', event.shiftKey]].filter(([, down]) => down).map(([name]) => name);
  const button = event => [1, 2, 3][event.button] ?? 0;
  const on = (name, listen) => addEventListener(name, listen, {capture: true, passive: true});

  on('mousedown', event => {
    const point = outward(event.clientX, event.clientY);
    if (point && button(event))
      send('press', event, {button: button(event), point, nth: event.detail, held: held(event), ...hit(event)});
  });
  for (const name of ['mouseup', 'drop', 'dragend']) on(name, event => {
    const point = outward(event.clientX, event.clientY);
    if (point && button(event)) send('release', event, {button: button(event), point});
  });
  on('wheel', event => {
    const point = outward(event.clientX, event.clientY);
    const unit = [1, 40, innerHeight][event.deltaMode];
    if (point && !event.ctrlKey)
      send('wheel', event, {point, up: -event.deltaY * unit, right: event.deltaX * unit, target: hit(event).target});
  });
  const type = (event, text) => {
    const element = focused(), hidden = secret(element);
    send('char', event, {text: hidden ? '' : text, secret: hidden, target: told(element)[1]});
  };
  on('keydown', event => {
    if (event.isComposing || event.key === 'Process' || event.key === 'Dead' || event.key === 'Unidentified') return;
    const pressed = held(event);
    const plain = [...event.key].length === 1 && !pressed.some(name => name !== 'shift');
    if (plain) type(event, event.key);
    else send('chord', event, {held: pressed, key: event.key, target: told(focused())[1]});
  });
  on('compositionend', event => event.data && type(event, event.data));
  let where = '';
  for (const name of ['mouseover', 'mouseout']) on(name, event => {
    const now = event.relatedTarget || name === 'mouseover' ? 'inside' : 'outside';
    if (now !== where) send(where = now, event, {});
  });
})()
"""


class _Told(BaseModel):
    """What the script says: data of a page, believed only in its form. Times are the machine's clock, milliseconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["press", "release", "wheel", "char", "chord", "inside", "outside"]
    when: float
    button: Literal[1, 2, 3] = 1
    point: Point = Point(0, 0)
    nth: int = 0
    held: tuple[str, ...] = ()
    target: str = ""
    rect: Rect | None = None
    up: float = 0
    right: float = 0
    text: str = ""
    secret: bool = False
    key: str = ""


class PageWitness:
    """Calls `tell` with each event in the pages of these tabs, and around them. Times are of `time.monotonic`.

    `turn` is called when another page or document is there.
    """

    def __init__(
        self, tabs: Tabs, tell: Callable[[Event], None], turn: Callable[[], None] = lambda: None, *, private: bool
    ) -> None:
        self._tabs, self._tell, self._turn, self._private = tabs, tell, turn, private
        self._inside = True
        self._histories: dict[Page, tuple[int, int]] = {}  # where each page is in its history, and how long that is
        self._went = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching = False

    async def prepare(self) -> None:
        """Puts the script into every document from now on."""
        context = self._tabs.context
        await context.expose_binding(_WAY_OUT, self._hear)
        script = _SCRIPT.replace("WAY_OUT", f"'{_WAY_OUT}'").replace("PRIVATE", str(self._private).lower())
        await context.add_init_script(script.replace("DESCRIBE", f"({DESCRIBE.strip()})"))

    async def begin(self) -> None:
        """Tells from now on; what was before is not the person's."""
        for page in self._tabs.pages:
            await self._follow(page)
        self._tabs.context.on("page", self._opened)
        self._watching = True

    def _hear(self, source: Any, raw: object) -> None:
        page: Page = source["page"]
        if not self._watching or page not in self._tabs.pages:
            return
        told = _Told.model_validate(raw)
        when = time.monotonic() - (time.time() - told.when / 1000)
        if told.kind != "outside":
            self._come_to(page, when)
        self._inside = told.kind != "outside"
        if event := self._event(told, when, page):
            self._tell(event)

    def _come_to(self, page: "Page", when: float) -> None:
        """The person is in this page: when it was not in front they chose its tab."""
        number = self._tabs.pages.index(page)
        if number != self._tabs.front_index:
            self._tabs.show(page)
            self._turn()
            self._tell(Went(SwitchTab(tab=number), when))

    def _event(self, told: _Told, when: float, page: "Page") -> Event | None:
        target = Target(told.target, told.rect)
        match told.kind:
            case "press":
                return Press(told.button, told.point, when, target, told.held, told.nth)
            case "release":
                return Release(told.button, told.point, when)
            case "wheel":
                return Wheel(told.point, when, told.up, told.right, target)
            case "char":
                return Char(told.text, when, target, told.secret)
            case "chord":
                return self._chord(told, when, page)
        return None

    def _chord(self, told: _Told, when: float, page: "Page") -> Event | None:
        try:
            name = keys.plain_name(told.key)
        except keys.UnknownKey:
            return None
        if name in _MODIFIERS:
            return None
        chord = (*told.held, name.lower() if told.held else name)
        if chord in _RELOAD:
            return Went(Goto(url=page.url), when)
        if chord == _BACK:
            self._inside = False  # the history tells of it
            return None
        return None if chord in _AROUND else Chord(chord, when, Target(told.target))

    def _opened(self, page: "Page") -> None:
        self._turn()
        self._do(self._new(page, time.monotonic()))

    async def _new(self, page: "Page", when: float) -> None:
        if await page.opener() is None:
            self._tell(Went(NewTab(), when))
        await self._follow(page)

    async def _follow(self, page: "Page") -> None:
        self._histories[page] = (await _history(page))[:2]
        page.on("framenavigated", lambda frame: self._navigated(page, frame))

    def _navigated(self, page: "Page", frame: "Frame") -> None:
        if frame is page.main_frame:
            self._turn()
            self._do(self._tell_where(page, time.monotonic(), around=not self._inside))

    async def _tell_where(self, page: "Page", when: float, *, around: bool) -> None:
        """Tells how the person left a document, if they did that around the page and not in it."""
        async with self._went:
            before, _ = self._histories[page]
            index, length, how = await _history(page)
            self._histories[page] = (index, length)
            if index < before and around:
                self._tell(Went(Back(), when))
            elif how in _TYPED and (index > before or (index == before and around)):
                self._tell(Went(Goto(url=page.url), when))

    def _do(self, job: Any) -> None:
        task = asyncio.ensure_future(quietly(job))
        self._tasks.add(task)  # a task without a reference may vanish
        task.add_done_callback(self._tasks.discard)


async def _history(page: "Page") -> tuple[int, int, str]:
    """Where a page is in its history, how long that is, and how a person or the page came there."""
    wire = await page.context.new_cdp_session(page)
    said = await wire.send("Page.getNavigationHistory")
    await wire.detach()
    index, entries = int(said["currentIndex"]), said["entries"]
    return index, len(entries), str(entries[index]["transitionType"])
