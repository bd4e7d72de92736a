import data from "/data.json" with { type: "json" };

const root = document.documentElement;
const at = (id) => document.getElementById(id);
const sum = (key) => data.rows.reduce((total, row) => total + row[key], 0);

function add(parent, tag, text) {
  const made = parent.appendChild(document.createElement(tag));
  made.textContent = text;
  return made;
}

Object.assign(root.dataset, data.theme);
document.title = `Stock in ${data.city}`;
at("company").textContent = data.company;
at("user").textContent = data.user;
at("title").textContent = `Stock in ${data.city}`;
at("counted").textContent = `Counted on ${data.counted}. Numbers are boxes.`;
for (const [name, value] of [["Products", data.rows.length], ["On order", sum("ordered")], ["In stock", sum("stock")]]) {
  const card = add(at("totals"), "div", "");
  add(card, "small", name);
  add(card, "b", value);
}
for (const row of data.rows) {
  const line = document.querySelector("tbody").insertRow();
  for (const value of [row.name, row.shelf, row.ordered, row.stock]) add(line, "td", value);
  const level = add(line, "td", "").appendChild(document.createElement("meter"));
  Object.assign(level, { max: 400, low: 60, optimum: 400, value: row.stock });
  level.setAttribute("aria-label", `Level of ${row.name}`);
}
root.dataset.ready = "";
