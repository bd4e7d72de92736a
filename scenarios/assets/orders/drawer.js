import { history } from "./rows.js";

const at = (id) => document.getElementById(id);
let tools;
let shown;

export function showOrder(order) {
  shown = order.id;
  at("drawer-title").textContent = `Order ${order.id}`;
  at("drawer-date").textContent = `Placed on ${tools.write.day(order.date)} · ${order.channel}`;
  at("drawer-status").replaceChildren(tools.statusTag(order.status));
  at("drawer-customer").textContent = order.customer;
  at("drawer-address").textContent = order.city;
  at("drawer-lines").replaceChildren(...order.lines.map(line));
  at("drawer-total").textContent = tools.write.money(order.total);
  at("drawer-history").replaceChildren(...history(order, tools.today).map(event));
  at("drawer").hidden = false;
  at("drawer").querySelector(".drawer-body").scrollTop = 0;
  at("drawer-title").focus();
}

function line({ count, name, price }) {
  const item = at("line").content.cloneNode(true).firstChild;
  [item.children[0].textContent, item.children[1].textContent, item.children[2].textContent] = [`${count} ×`, name, tools.write.money(count * price)];
  return item;
}

function event({ text, date }) {
  const item = document.createElement("li");
  item.append(text, Object.assign(document.createElement("span"), { className: "muted", textContent: tools.write.day(date) }));
  return item;
}

function close() {
  at("drawer").hidden = true;
  tools.closed(shown);
}

export function setUpDrawer(given) {
  tools = given;
  at("drawer-close").addEventListener("click", close);
  document.addEventListener("keydown", (pressed) => { if (pressed.key === "Escape" && !at("drawer").hidden && !at("confirm").open) close(); });
}
