import data from "/data.json" with { type: "json" };
import { CHANNELS, STATUSES, makeRows } from "./rows.js";
import { drawBulk, setUpBulk, toast } from "./bulk.js";
import { setUpDrawer, showOrder } from "./drawer.js";

const root = document.documentElement;
const at = (id) => document.getElementById(id);
const SHIPPED = "shipped";

const money = new Intl.NumberFormat("en", { style: "currency", currency: data.currency });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const write = { money: (value) => money.format(value), day: (value) => day.format(value) };

if (data.ready_label) STATUSES.ready = data.ready_label;

const COLUMNS = {
  id: { label: "Order", text: (o) => o.id },
  date: { label: "Date", text: (o) => write.day(o.date) },
  customer: { label: "Customer", text: (o) => o.customer },
  channel: { label: "Channel", text: (o) => o.channel },
  items: { label: "Items", text: (o) => String(o.items), number: true },
  total: { label: "Total", text: (o) => write.money(o.total), number: true },
  status: { label: "Status", text: (o) => STATUSES[o.status] },
};
const columns = ["id", ...data.columns];

const rows = makeRows(data);
const shippedBefore = JSON.parse(sessionStorage.getItem(SHIPPED) ?? "[]");
for (const order of rows) if (shippedBefore.includes(order.id)) order.status = "shipped";

const state = { query: "", status: "", channels: new Set(), sort: "id", up: false, page: 0, selected: new Set(), open: null };

function matching() {
  const query = state.query.trim().toLowerCase();
  const found = rows.filter((o) =>
    (!query || o.customer.toLowerCase().includes(query) || o.id.toLowerCase().includes(query))
    && (!state.status || o.status === state.status)
    && (!state.channels.size || state.channels.has(o.channel)));
  const value = (o) => (state.sort === "status" ? Object.keys(STATUSES).indexOf(o.status) : o[state.sort]);
  const sign = state.up ? 1 : -1;
  return found.sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    return sign * (typeof x === "string" ? x.localeCompare(y) : x - y) || b.id.localeCompare(a.id);
  });
}

function change(what) {
  Object.assign(state, { page: 0 }, what);
  draw();
}

function select(ids, on) {
  for (const id of ids) state.selected[on ? "add" : "delete"](id);
  draw();
}

/** Draws everything from the state; the element that had the focus gets it back. */
function draw() {
  const found = matching();
  const pages = Math.max(1, Math.ceil(found.length / data.per_page));
  state.page = Math.min(state.page, pages - 1);
  const from = state.page * data.per_page;
  const shown = found.slice(from, from + data.per_page);
  const focus = document.activeElement?.dataset.focus;

  drawHead(shown);
  at("rows").replaceChildren(...shown.map(row));
  at("none").hidden = found.length > 0;
  document.querySelector("table").hidden = found.length === 0;
  at("range").textContent = `${from + 1}–${from + shown.length} of ${found.length} orders`;
  at("pages").replaceChildren(...pageButtons(pages));
  at("range").parentElement.hidden = found.length === 0;
  drawChips();
  drawBulk(state.selected);
  const ready = rows.filter((o) => o.status === "ready").length;
  at("summary").textContent = `${rows.length} since ${write.day(rows[0].date)}, ${ready} ${STATUSES.ready.toLowerCase()}`;
  if (focus) document.querySelector(`[data-focus="${focus}"]`)?.focus();
}

function drawHead(shown) {
  const all = document.createElement("input");
  const chosen = shown.filter((o) => state.selected.has(o.id)).length;
  Object.assign(all, { type: "checkbox", checked: chosen > 0 && chosen === shown.length, indeterminate: chosen > 0 && chosen < shown.length });
  all.setAttribute("aria-label", "Select all orders on this page");
  all.dataset.focus = "all";
  all.addEventListener("change", () => select(shown.map((o) => o.id), all.checked));
  const first = document.createElement("th");
  first.className = "tick";
  first.append(all);
  at("headings").replaceChildren(first, ...columns.map(heading));
}

function heading(key) {
  const cell = document.createElement("th");
  cell.scope = "col";
  cell.dataset.column = key;
  cell.classList.toggle("number", Boolean(COLUMNS[key].number));
  cell.setAttribute("aria-sort", state.sort !== key ? "none" : state.up ? "ascending" : "descending");
  cell.innerHTML = '<button type="button"><span></span><svg viewBox="0 0 24 24" aria-hidden="true"><path class="up" d="m8 10 4-4.5 4 4.5"/><path class="down" d="m8 14 4 4.5 4-4.5"/></svg></button>';
  cell.querySelector("span").textContent = COLUMNS[key].label;
  cell.firstChild.dataset.focus = `sort-${key}`;
  cell.firstChild.addEventListener("click", () => change({ sort: key, up: state.sort === key ? !state.up : true }));
  return cell;
}

function row(order) {
  const line = at("row").content.cloneNode(true).firstChild;
  const tick = line.querySelector("input");
  const chosen = state.selected.has(order.id);
  line.setAttribute("aria-selected", String(chosen));
  line.classList.toggle("open", state.open === order.id);
  tick.checked = chosen;
  tick.setAttribute("aria-label", `Select order ${order.id}`);
  tick.dataset.focus = `tick-${order.id}`;
  tick.addEventListener("change", () => select([order.id], tick.checked));
  line.append(...columns.map((key) => cell(order, key)));
  line.addEventListener("click", (event) => {
    if (!event.target.closest(".tick")) open(order.id);
    else if (event.target !== tick) select([order.id], !chosen);
  });
  return line;
}

function open(id) {
  state.open = id;
  draw();
  showOrder(rows.find((o) => o.id === id));
}

function cell(order, key) {
  const td = document.createElement("td");
  const column = COLUMNS[key];
  td.dataset.column = key;
  td.classList.toggle("number", Boolean(column.number));
  const inner = key === "id" ? document.createElement("button") : key === "status" ? statusTag(order.status) : null;
  if (key === "id") {
    Object.assign(inner, { type: "button", className: "order-link", textContent: order.id });
    inner.dataset.focus = `open-${order.id}`;
  }
  td.append(inner ?? column.text(order));
  if (key === "customer") td.title = order.customer;
  return td;
}

function statusTag(status) {
  const tag = Object.assign(document.createElement("span"), { className: "tag", textContent: STATUSES[status] });
  tag.dataset.status = status;
  return tag;
}

function pageButtons(count) {
  const button = (content, label, page, disabled) => {
    const made = Object.assign(document.createElement("button"), { type: "button", className: typeof content === "string" ? "page-button" : "icon-button", disabled });
    made.append(content);
    made.setAttribute("aria-label", label);
    made.dataset.focus = label;
    made.addEventListener("click", () => change({ page }));
    return made;
  };
  const arrow = (name) => document.createRange().createContextualFragment(`<svg aria-hidden="true"><use href="#i-${name}"/></svg>`);
  const numbers = Array.from({ length: count }, (_, i) => {
    const made = button(String(i + 1), `Page ${i + 1}`, i, false);
    if (i === state.page) made.setAttribute("aria-current", "page");
    return made;
  });
  return [button(arrow("left"), "Previous page", state.page - 1, state.page === 0), ...numbers,
    button(arrow("right"), "Next page", state.page + 1, state.page === count - 1)];
}

function drawChips() {
  const chips = [...state.channels].map((name) => chip(`Channel: ${name}`, () => toggleChannel(name)));
  if (state.status) chips.unshift(chip(`Status: ${STATUSES[state.status]}`, () => { at("status").value = ""; change({ status: "" }); }));
  at("chips").replaceChildren(...chips);
  for (const item of at("channel-menu").children) item.setAttribute("aria-checked", String(state.channels.has(item.dataset.channel)));
  at("channel").querySelector(".badge")?.remove();
  if (state.channels.size) at("channel").append(Object.assign(document.createElement("span"), { className: "badge", textContent: state.channels.size }));
}

function chip(text, remove) {
  const made = at("chip").content.cloneNode(true).firstChild;
  made.firstChild.textContent = text;
  made.setAttribute("aria-label", `Remove filter ${text}`);
  made.addEventListener("click", remove);
  return made;
}

function toggleChannel(name) {
  if (!state.channels.delete(name)) state.channels.add(name);
  change({});
}

function setUpFilters() {
  for (const [key, label] of [["", "All statuses"], ...Object.entries(STATUSES)]) at("status").append(new Option(label, key));
  at("status").addEventListener("change", () => change({ status: at("status").value }));
  at("search").addEventListener("input", () => change({ query: at("search").value }));
  at("reset").addEventListener("click", () => {
    at("search").value = at("status").value = "";
    change({ query: "", status: "", channels: new Set() });
    at("search").focus();
  });
  for (const name of CHANNELS) {
    const item = document.createElement("button");
    item.innerHTML = '<span class="box"><svg aria-hidden="true"><use href="#i-check"/></svg></span><span></span><span class="amount" aria-hidden="true"></span>';
    item.children[1].textContent = name;
    item.children[2].textContent = rows.filter((o) => o.channel === name).length;
    item.type = "button";
    item.dataset.channel = name;
    item.setAttribute("role", "menuitemcheckbox");
    item.addEventListener("click", () => toggleChannel(name));
    at("channel-menu").append(item);
  }
}

function setUpMenu() {
  const menu = at("channel-menu");
  const show = (shown) => {
    menu.hidden = !shown;
    at("channel").setAttribute("aria-expanded", String(shown));
    if (shown) menu.firstElementChild.focus({ focusVisible: false });
  };
  at("channel").addEventListener("click", () => show(menu.hidden));
  document.addEventListener("click", (event) => { if (!event.target.closest(".menu-holder")) show(false); });
  menu.addEventListener("keydown", (event) => {
    const items = [...menu.children];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) items.at((items.indexOf(document.activeElement) + step) % items.length).focus();
    if (event.key === "Escape") { show(false); at("channel").focus(); }
    if (step) event.preventDefault();
  });
}

Object.assign(root.dataset, data.theme);
document.title = `Orders · ${data.store}`;
at("store").textContent = data.store;
at("user").textContent = data.user;
document.querySelector(".avatar").textContent = data.user.split(" ").map((part) => part[0]).join("");
for (const button of document.querySelectorAll("[data-page]:not([aria-current])")) {
  button.addEventListener("click", () => toast(`Your role doesn’t include ${button.dataset.page}`, "alert"));
}
setUpFilters();
setUpMenu();
setUpDrawer({
  write,
  statusTag,
  today: data.today,
  closed(id) {
    state.open = null;
    draw();
    document.querySelector(`[data-focus="open-${id}"]`)?.focus({ focusVisible: false });
  },
});
setUpBulk({
  rows,
  selected: state.selected,
  clear: () => select([...state.selected], false),
  shipped(ids) {
    for (const order of rows) if (ids.includes(order.id)) order.status = "shipped";
    shippedBefore.push(...ids);
    sessionStorage.setItem(SHIPPED, JSON.stringify(shippedBefore));
    select(ids, false);
  },
});
draw();
root.dataset.ready = "";
