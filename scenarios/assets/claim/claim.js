import data from "/data.json" with { type: "json" };

const FIELDS = {
  name: "Full name", policy: "Policy number", date: "Date of the damage", place: "Place", object: "What was damaged", amount: "Repair costs (EUR)",
};
const root = document.documentElement;
const at = (id) => document.getElementById(id);
const form = at("claim");

function add(parent, tag, properties) {
  return Object.assign(parent.appendChild(document.createElement(tag)), properties);
}

root.dataset.accent = data.accent;
at("company").textContent = data.company;
at("reference").textContent = data.reference;
for (const key of data.fields) {
  const label = add(at("fields"), "label", { textContent: FIELDS[key] });
  add(label, "input", { name: key, autocomplete: "off", placeholder: key === "date" ? data.date_format : "" });
}
for (const cause of data.causes) {
  const label = add(at("causes"), "label", {});
  add(label, "input", { type: "radio", name: "cause", value: cause });
  add(label, "span", { textContent: cause });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const sent = Object.fromEntries([...new FormData(form)].map(([key, value]) => [key, value.trim()]));
  const empty = [...data.fields.map((key) => [key, FIELDS[key]]), ["cause", "What caused it?"]].find(([key]) => !sent[key]);
  at("error").textContent = empty ? `Please fill in: ${empty[1]}` : "";
  if (empty) return;
  await fetch("/api/claim", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(sent) });
  form.hidden = true;
  at("done").hidden = false;
  at("done").querySelector("h1").focus();
});
root.dataset.ready = "";
