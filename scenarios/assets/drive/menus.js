/** Menus that open beside a button, with menus in them that open beside their item: by hovering, clicking, or the keyboard. */
import { arrows, icon } from "/kit/kit.js";

const ROOM = 8;
let open = []; // the menus from the outermost to the innermost, each with its opener

export function openMenu(opener, items) {
  closeAll();
  add(opener, items);
}

export function closeAll(focus = false) {
  const first = open[0]?.opener;
  closeFrom(0);
  if (focus) first?.focus({ focusVisible: false });
}

function closeFrom(depth) {
  for (const { menu, opener } of open.splice(depth)) {
    menu.remove();
    opener.setAttribute("aria-expanded", "false");
  }
}

function add(opener, items) {
  const menu = Object.assign(document.createElement("div"), { className: "menu" });
  const depth = open.length;
  menu.setAttribute("role", "menu");
  menu.append(...items.map((item) => (item ? entry(item, depth) : document.createElement("hr"))));
  opener.setAttribute("aria-expanded", "true");
  document.body.append(menu);
  open.push({ menu, opener, left: place(menu, opener, open.at(-1)) });
  menu.querySelector("button").focus({ focusVisible: false });
}

function entry({ label, sign, danger, inner, run }, depth) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: danger ? "danger" : "" });
  button.setAttribute("role", "menuitem");
  if (sign) button.append(icon(sign));
  button.append(Object.assign(document.createElement("span"), { textContent: label }));
  if (inner) {
    const arrow = Object.assign(document.createElement("span"), { className: "push" });
    arrow.append(icon("right"));
    button.append(arrow);
    button.setAttribute("aria-haspopup", "menu");
    button.setAttribute("aria-expanded", "false");
  }
  const unfold = () => {
    if (open[depth + 1]?.opener === button) return;
    closeFrom(depth + 1);
    if (inner) add(button, inner);
  };
  button.addEventListener("mouseenter", unfold);
  button.addEventListener("click", () => {
    if (inner) return unfold();
    closeAll(true);
    run();
  });
  button.addEventListener("keydown", (event) => { if (event.key === "ArrowRight" && inner) unfold(); });
  return button;
}

/**
 * Below a button and flush with its right edge, or to the right of an item: on the other side where there is no room, and
 * where the menu around it went there already. Returns whether it went to the left.
 */
function place(menu, opener, around) {
  const at = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const [right, left] = [at.right + 2, at.left - width - 2];
  const toLeft = Boolean(around) && left >= ROOM && (around.left || right + width + ROOM > innerWidth);
  const x = !around ? at.right - width : toLeft ? left : Math.min(right, innerWidth - width - ROOM);
  const below = at.bottom + 4 + height <= innerHeight ? at.bottom + 4 : at.top - 4 - height;
  const y = around ? Math.min(at.top - 7, innerHeight - height - ROOM) : below;
  menu.style.left = `${Math.max(ROOM, x) + scrollX}px`;
  menu.style.top = `${Math.max(ROOM, y) + scrollY}px`;
  return toLeft;
}

document.addEventListener("mousedown", (event) => {
  if (open.length && !event.target.closest(".menu") && !open[0].opener.contains(event.target)) closeAll();
});
document.addEventListener("keydown", (event) => {
  if (!open.length) return;
  const { menu, opener } = open.at(-1);
  if (event.key === "Escape" || (event.key === "ArrowLeft" && open.length > 1)) {
    closeFrom(open.length - 1);
    opener.focus();
  } else if (menu.contains(document.activeElement)) {
    arrows(event, [...menu.querySelectorAll("button")]);
  }
});
