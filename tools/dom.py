"""What stands in a page: elements found by CSS, by role or by text, and where on the picture they can be clicked.

Finding is Playwright's: its selectors pierce open shadow roots. Every frame of the page is searched whose origin lets
its place be known (the same as its parents').
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, reduce
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, ConfigDict

from tools.errors import EnvError, ScenarioError
from tools.geometry import Rect, Size
from tools.tabs import ANSWER_WITHIN, Tabs, reason, steadily

if TYPE_CHECKING:
    from playwright.async_api import Frame, Locator, Page


class Element(BaseModel):
    """One element of a page.

    `rect` is the part that can be seen, in pixels of the top viewport or of a picture of it; all zero when there is
    none. `visible` means that a click at the centre of `rect` reaches the element or something inside it, `rendered`
    that it is drawn, be it further down the page. `role` and `name` come from ARIA attributes, then from HTML; `value`
    and `checked` are None where an element has no such state.
    """

    model_config = ConfigDict(frozen=True)

    tag: str
    role: str
    name: str
    text: str
    value: str | None
    rect: Rect
    visible: bool
    rendered: bool = True
    enabled: bool
    checked: bool | None
    attributes: dict[str, str]


class TabState(BaseModel):
    """One tab."""

    model_config = ConfigDict(frozen=True)

    url: str
    title: str


class PageState(BaseModel):
    """The front page and all tabs; `front` is its number among `tabs`, counted from 0."""

    model_config = ConfigDict(frozen=True)

    url: str
    title: str
    tabs: tuple[TabState, ...]
    front: int


async def find_elements(
    page: "Page",
    *,
    css: str | None = None,
    role: str | None = None,
    name: str | None = None,
    text: str | None = None,
    exact: bool = False,
    picture: Size | None = None,
) -> list[Element]:
    """All elements that match everything given, in document order, frame by frame.

    `css` is a selector. `role` is an ARIA role (hidden elements have none), `name` the accessible name that goes with
    it. `text` finds the smallest elements that contain it. Names and texts are compared without regard to case and as
    parts, or as wholes if `exact`; runs of space count as one. Rectangles are in CSS pixels, or in those of a picture
    of the size `picture`. Raises ScenarioError when nothing was asked for or the selector is malformed, EnvError when
    the page is gone.
    """
    if not (css or role or text) or (name and not role):
        raise ScenarioError("elements are found by css, by role (with or without a name), or by text")

    def locate(frame: "Frame") -> "Locator":
        ways = [
            *([frame.locator(f"css={css}")] if css else []),
            *([frame.get_by_role(cast("Any", role), name=name, exact=exact)] if role else []),
            *([frame.get_by_text(text, exact=exact)] if text else []),
        ]
        return reduce(lambda one, other: one.and_(other), ways)

    return await _find(page, locate, picture)


async def page_state(tabs: Tabs) -> PageState:
    """Where the front page and the other tabs are. Raises EnvError when no page is left or one does not answer."""
    from playwright.async_api import Error

    states: dict[Page, TabState] = {}
    with _readable("the tabs"):
        async with asyncio.timeout(ANSWER_WITHIN):
            front = (await tabs.front()).page
            for page in tuple(tabs.pages):
                try:
                    states[page] = TabState(url=page.url, title=await steadily(page.title))
                except Error:
                    if not page.is_closed():  # else it is no tab any more
                        raise
    if front not in states:
        return await page_state(tabs)
    number = list(states).index(front)
    return PageState(url=states[front].url, title=states[front].title, tabs=tuple(states.values()), front=number)


async def _find(page: "Page", locate: Callable[["Frame"], "Locator"], picture: Size | None) -> list[Element]:
    from playwright.async_api import Error

    found: list[Element] = []
    width = picture and picture.width
    with _readable(page.url):
        async with asyncio.timeout(ANSWER_WITHIN):
            for frame in page.frames:
                try:
                    raws = await steadily(partial(locate(frame).evaluate_all, DESCRIBE, width))
                    found += [Element.model_validate(raw) for raw in raws]
                except Error:
                    if not frame.is_detached():  # else it has nothing any more
                        raise
    return found


@contextmanager
def _readable(what: str) -> Iterator[None]:
    """Gives what goes wrong while a page is read its name."""
    from playwright.async_api import Error

    try:
        yield
    except TimeoutError:
        raise EnvError(f"{what} could not be read: no answer within {ANSWER_WITHIN:g} s") from None
    except Error as error:
        if "selector" in error.message:
            raise ScenarioError(f"bad selector: {reason(error)}") from error
        raise EnvError(f"{what} could not be read: {reason(error)}") from error


DESCRIBE = """
(elements, width) => {
  let top = window;
  while (top.frameElement) top = top.parent;
  if (top !== top.parent) return [];  // another origin's frame: its place is unknown
  const scale = width ? width / top.innerWidth : 1;

  const up = node => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host;
  const cut = (a, b) => ({left: Math.max(a.left, b.left), top: Math.max(a.top, b.top),
                          right: Math.min(a.right, b.right), bottom: Math.min(a.bottom, b.bottom)});
  const area = r => Math.max(0, r.right - r.left) * Math.max(0, r.bottom - r.top);
  const inside = (element, r = element.getBoundingClientRect()) => {  // less border and scroll bars
    const fx = r.width / element.offsetWidth || 1, fy = r.height / element.offsetHeight || 1;
    const left = r.left + element.clientLeft * fx, top = r.top + element.clientTop * fy;
    return {left, top, right: left + element.clientWidth * fx, bottom: top + element.clientHeight * fy};
  };

  // The part of an element that its clipping ancestors and its own frame's viewport leave, in that frame's CSS pixels.
  const shown = (element, rect) => {
    const {documentElement: root, defaultView: view, body} = element.ownerDocument;
    let position = view.getComputedStyle(element).position;
    for (let a = up(element); a && a !== root && a !== body && position !== 'fixed'; a = up(a)) {
      const style = view.getComputedStyle(a);
      if (position === 'absolute' && style.position === 'static' && style.transform === 'none') continue;
      if (style.overflow !== 'visible' && style.display !== 'contents') rect = cut(rect, inside(a));
      position = style.position;
    }
    return cut(rect, {left: 0, top: 0, right: view.innerWidth, bottom: view.innerHeight});
  };

  const at = (scope, x, y) => {
    let hit = scope.elementFromPoint(x, y);
    for (let inner; hit?.shadowRoot; hit = inner) {
      inner = hit.shadowRoot.elementFromPoint(x, y);
      if (!inner || inner === hit) break;
    }
    return hit;
  };
  const holds = (element, node) => {
    while (node && node !== element) node = up(node);
    return !!node;
  };

  // From a frame to the frame around it: where its content box stands, and how it is scaled.
  const frames = [];
  for (let view = window; view.frameElement; view = view.parent) {
    const element = view.frameElement, r = element.getBoundingClientRect();
    const style = element.ownerDocument.defaultView.getComputedStyle(element);
    const fx = r.width / element.offsetWidth || 1, fy = r.height / element.offsetHeight || 1;
    const left = r.left + (element.clientLeft + parseFloat(style.paddingLeft)) * fx;
    const top = r.top + (element.clientTop + parseFloat(style.paddingTop)) * fy;
    frames.push({element, left, top, fx, fy, part: shown(element, inside(element))});
  }

  const place = element => {
    const pieces = [...element.getClientRects()];  // a wrapped link has several: its longest is clicked
    const whole = pieces.sort((a, b) => area(b) - area(a))[0] ?? element.getBoundingClientRect();
    let rect = shown(element, whole);
    for (const f of frames)
      rect = cut({left: f.left + rect.left * f.fx, top: f.top + rect.top * f.fy,
                  right: f.left + rect.right * f.fx, bottom: f.top + rect.bottom * f.fy}, f.part);
    if (!area(rect)) return {rect: [0, 0, 0, 0], visible: false};
    const [left, top] = [Math.round(rect.left * scale), Math.round(rect.top * scale)];
    const [right, bottom] = [Math.round(rect.right * scale), Math.round(rect.bottom * scale)];
    const pixels = [left, top, Math.max(left + 1, right), Math.max(top + 1, bottom)];
    let x = Math.floor((pixels[0] + pixels[2]) / 2) / scale, y = Math.floor((pixels[1] + pixels[3]) / 2) / scale;
    let visible = true;
    for (const f of [...frames].reverse()) {
      visible &&= at(f.element.getRootNode(), x, y) === f.element;
      [x, y] = [(x - f.left) / f.fx, (y - f.top) / f.fy];
    }
    return {rect: pixels, visible: visible && holds(element, at(document, x, y))};
  };

  const words = text => (text ?? '').replace(/\\s+/g, ' ').trim();
  const INPUTS = {checkbox: 'checkbox', radio: 'radio', range: 'slider', number: 'spinbutton', search: 'searchbox',
                  button: 'button', submit: 'button', reset: 'button', image: 'button',
                  text: 'textbox', email: 'textbox', tel: 'textbox', url: 'textbox'};
  const TAGS = {button: 'button', textarea: 'textbox', option: 'option', img: 'img', ul: 'list', ol: 'list',
                li: 'listitem', table: 'table', tr: 'row', td: 'cell', th: 'columnheader', nav: 'navigation',
                main: 'main', form: 'form', dialog: 'dialog', progress: 'progressbar', p: 'paragraph',
                fieldset: 'group', article: 'article', aside: 'complementary', hr: 'separator', meter: 'meter'};
  const role = element => {
    const explicit = words(element.getAttribute('role')).split(' ')[0], tag = element.localName;
    if (explicit) return explicit;
    if (tag === 'input') return element.list ? 'combobox' : INPUTS[element.type] ?? '';
    if (tag === 'select') return element.multiple || element.size > 1 ? 'listbox' : 'combobox';
    if (tag === 'a' || tag === 'area') return element.hasAttribute('href') ? 'link' : '';
    return /^h[1-6]$/.test(tag) ? 'heading' : TAGS[tag] ?? '';
  };
  const field = /^(input|textarea|select)$/;
  const name = element => {
    const named = words(element.getAttribute('aria-labelledby')).split(' ')
      .map(id => id && words(element.getRootNode().getElementById(id)?.innerText)).join(' ').trim();
    const label = [...element.labels ?? []].map(l => words(l.innerText)).join(' ');
    const button = element.localName === 'input' && INPUTS[element.type] === 'button' ? element.value : '';
    return named || words(element.getAttribute('aria-label')) || label || words(element.getAttribute('alt'))
      || button || (field.test(element.localName) ? '' : words(element.innerText))
      || words(element.getAttribute('title')) || words(element.getAttribute('placeholder'));
  };
  const checked = element => {
    if (element.localName === 'input' && /^(checkbox|radio)$/.test(element.type))
      return element.indeterminate ? null : element.checked;
    return {true: true, false: false}[element.getAttribute('aria-checked')] ?? null;
  };

  return elements.map(element => ({
    tag: element.localName, role: role(element), name: name(element),
    text: words(element.innerText ?? element.textContent),  // what is drawn in SVG has no innerText
    rendered: element.checkVisibility({opacityProperty: true, visibilityProperty: true}),
    value: field.test(element.localName) ? element.value : null, checked: checked(element),
    enabled: !element.matches(':disabled') && element.getAttribute('aria-disabled') !== 'true',
    attributes: Object.fromEntries([...element.attributes].map(a => [a.name, a.value])),
    ...place(element),
  }));
}
"""
"""Describes elements, as `Element` has them; runs in their frame.

An iframe's element that a border, padding or transform moves is followed to the top by its box; rotation is not.
"""
