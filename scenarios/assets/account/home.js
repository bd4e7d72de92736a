const at = (id) => document.getElementById(id);
const EMPTY = {
  schedule: ["Schedule", "Next week has no shifts yet. Copy this week or start from a blank plan."],
  team: ["Team", "Everyone you invite shows up here with their skills and hours."],
  reports: ["Reports", "Reports appear once the first full week has been closed."],
};

export function showHome(account, data, place) {
  const empty = EMPTY[place];
  at("home-view").hidden = Boolean(empty);
  at("empty-view").hidden = !empty;
  if (empty) [at("empty-title").textContent, at("empty-text").textContent] = empty;
  document.title = `${empty ? empty[0] : "Home"} · ${data.text.brand}`;
  for (const link of at("nav").children) {
    if (link.hash === `#${empty ? place : "home"}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  fill(account, data);
}

function fill(account, data) {
  const first = account.name.split(" ")[0];
  at("greeting").textContent = `Welcome back, ${first}`;
  at("who").querySelector(".avatar").textContent = account.name.split(" ").map((part) => part[0]).join("");
  at("who").querySelector(".who-name").textContent = account.name;
  at("who").setAttribute("aria-label", `Account of ${account.name}`);
  at("who-menu").querySelector(".menu-head").textContent = account.email;
  at("on-shift").textContent = `${data.shifts.names.length} people`;
  at("stats").replaceChildren(...data.stats.map(stat));
  at("todo").replaceChildren(...data.todo.map(todo));
}

function stat({ label, value, note, trend }) {
  const tile = at("stat").content.cloneNode(true).firstChild;
  const [head, figure, foot] = tile.children;
  head.textContent = label;
  figure.textContent = value;
  foot.textContent = note;
  if (trend) foot.classList.add(trend);
  return tile;
}

function todo({ title, detail, icon }) {
  const item = at("todo-item").content.cloneNode(true).firstChild;
  item.querySelector("use").setAttribute("href", `#i-${icon}`);
  item.querySelector(".todo-title").textContent = title;
  item.querySelector(".muted").textContent = detail;
  return item;
}

const opener = (panel) => document.querySelector(`[aria-controls="${panel.id}"]`);
const openPanel = () => document.querySelector(".menu:not([hidden])");

function show(panel, open) {
  panel.hidden = !open;
  opener(panel).setAttribute("aria-expanded", String(open));
}

document.addEventListener("click", (event) => {
  const before = openPanel();
  const clicked = event.target.closest(".menu-holder > button");
  if (before && !event.target.closest(".menu-head")) show(before, false);
  if (clicked && clicked !== (before && opener(before))) show(at(clicked.getAttribute("aria-controls")), true);
});
document.addEventListener("keydown", (event) => {
  const panel = openPanel();
  if (event.key !== "Escape" || !panel) return;
  show(panel, false);
  opener(panel).focus();
});
