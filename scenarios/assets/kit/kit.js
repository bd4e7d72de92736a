/** What the pages share: their data, elements made from templates, posting, toasts, and the look that a seed drew. */
import data from "/data.json" with { type: "json" };

const TOAST_SECONDS = 12;

export { data };
export const at = (id) => document.getElementById(id);
export const initials = (name) => name.split(" ").map((part) => part[0]).join("").slice(0, 2).toUpperCase();

/** A copy of a template's element; each text goes where `data-at` names it. */
export function make(template, texts = {}) {
  const made = at(template).content.cloneNode(true).firstElementChild;
  for (const [name, text] of Object.entries(texts)) {
    for (const place of [made, ...made.querySelectorAll("[data-at]")]) if (place.dataset.at === name) place.textContent = text;
  }
  return made;
}

export const icon = (name) => document.createRange().createContextualFragment(`<svg aria-hidden="true"><use href="/kit/icons.svg#${name}"/></svg>`);

/** Sends JSON; throws when the server does not take it. */
export async function post(path, body) {
  const reply = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  if (!reply.ok) throw new Error(`${path} answered ${reply.status}`);
}

/** Says something at the edge of the page for a while; `act` is a button in it, such as Undo. */
export function toast(text, { sign = "check", act, doing } = {}) {
  const made = Object.assign(document.createElement("p"), { className: "toast" });
  made.append(icon(sign), Object.assign(document.createElement("span"), { textContent: text }));
  if (act) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: act });
    button.addEventListener("click", () => { made.remove(); doing(); });
    made.append(button);
  }
  toasts().replaceChildren(made);
  setTimeout(() => made.remove(), TOAST_SECONDS * 1000);
}

function toasts() {
  let place = document.querySelector(".toasts");
  if (!place) {
    place = Object.assign(document.createElement("div"), { className: "toasts" });
    place.setAttribute("role", "status");
    document.body.append(place);
  }
  return place;
}

/** Shows the page, once it is complete: the drawn colours first, or its parts would fade in from the default ones. */
export function show(title) {
  const { hue, ...rest } = data.theme;
  if (hue !== undefined) document.documentElement.style.setProperty("--hue", hue);
  Object.assign(document.documentElement.dataset, rest);
  for (const el of document.querySelectorAll("[data-fill]")) el.textContent = data.text[el.dataset.fill];
  document.title = title;
  void document.documentElement.offsetHeight;
  document.documentElement.dataset.ready = "";
}

/** Arrow keys among the buttons of a list that is one stop of the tab key, or the items of a menu. */
export function arrows(event, items, back = "ArrowUp", on = "ArrowDown") {
  const step = { [back]: -1, [on]: 1 }[event.key];
  if (!step || !items.length) return;
  const from = items.indexOf(document.activeElement);
  items[(from + step + items.length) % items.length].focus();
  event.preventDefault();
}
