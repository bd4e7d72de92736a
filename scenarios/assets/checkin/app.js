import data from "/data.json" with { type: "json" };
import { setUpCalendar } from "./calendar.js";
import { long, span } from "/kit/dates.js";
import { MOST_GUESTS, setUpFields, totalOf, validate, valuesOf } from "./fields.js";

const root = document.documentElement;
const at = (id) => document.getElementById(id);
const form = at("form");
const steps = [...form.querySelectorAll(".step")];
const titles = steps.map((step) => step.querySelector("h1").textContent);
const money = new Intl.NumberFormat("en", { style: "currency", currency: data.currency, maximumFractionDigits: 0 });
const COUNTRIES = ["Austria", "Belgium", "Brazil", "Canada", "Croatia", "Czechia", "Denmark", "Estonia", "Finland", "France", "Germany", "Greece", "India",
  "Ireland", "Italy", "Japan", "Kenya", "Latvia", "Lithuania", "Mexico", "Netherlands", "New Zealand", "Norway", "Poland", "Portugal", "Romania", "Slovenia",
  "South Africa", "Spain", "Sweden", "Switzerland", "Türkiye", "United Kingdom", "United States"];
const TRANSPORT = ["Bus", "Car", "Ferry", "Plane", "Train"];
let current = 0;
let reached = 0;

function fillPage() {
  Object.assign(root.dataset, data.theme);
  at("event-name").textContent = data.event.name;
  at("event-dates").textContent = span(data.event.from, data.event.to);
  at("event-city").textContent = data.event.place;
  at("event-mail").textContent = data.event.mail;
  for (const [id, options] of [["country", COUNTRIES], ["transport", TRANSPORT]]) at(id).append(new Option("Choose…", ""), ...options.map((name) => new Option(name)));
  at("about").append(...data.fields.map((key) => at("about").querySelector(`[data-field="${key}"]`)));
  at("options").append(...data.options.map((key) => at("options").querySelector(`[data-field="${key}"]`)));
  for (const key of ["shuttle", "vegetarian", "listed"]) form.elements[key].defaultChecked = data.switches[key];
  at("guests-hint").textContent = `${money.format(data.guest_price)} each, up to ${MOST_GUESTS}.`;
  document.querySelector(".cards").append(...data.passes.map(card));
  at("progress").append(...titles.map(mark));
  steps.forEach((step, i) => { step.querySelector(".eyebrow").textContent = `Step ${i + 1} of ${steps.length}`; });
}

function card({ name, price, text }) {
  const made = at("card").content.cloneNode(true).firstChild;
  Object.assign(made.firstChild, { value: name, required: true });
  made.firstChild.setAttribute("aria-label", `${name}, ${money.format(price)}`);
  made.querySelector(".card-title").textContent = name;
  made.querySelector(".card-price").textContent = money.format(price);
  made.querySelector(".hint").textContent = text;
  return made;
}

function mark(title, i) {
  const made = at("mark").content.cloneNode(true).firstChild;
  made.querySelector(".mark-text").textContent = title;
  made.querySelector("button").addEventListener("click", () => { if (i < current || allRightBefore(i)) show(i); });
  return made;
}

const inputsOf = (i) => [...steps[i].querySelectorAll("input, select")].filter((input) => input.type !== "radio" || input.value === data.passes[0].name);

/** Whether the steps before this one are right; otherwise shows the first that is not. */
function allRightBefore(i) {
  for (let step = 0; step < i; step += 1) {
    const wrong = inputsOf(step).filter((input) => input.closest(".field") && !validate(input, data));
    if (wrong.length) {
      if (step !== current) show(step);
      wrong[0].focus();
      return false;
    }
  }
  return true;
}

function show(i) {
  current = i;
  reached = Math.max(reached, i);
  steps.forEach((step, n) => { step.hidden = n !== i; });
  [...at("progress").children].forEach((item, n) => {
    const button = item.firstChild;
    item.classList.toggle("passed", n < i);
    button.disabled = n > reached;
    if (n === i) button.setAttribute("aria-current", "step");
    else button.removeAttribute("aria-current");
    if (n < i) button.firstChild.innerHTML = '<svg aria-hidden="true"><use href="#i-check"/></svg>';
    else button.firstChild.textContent = n + 1;
  });
  at("back").hidden = i === 0;
  at("next").textContent = i === steps.length - 1 ? data.submit : "Continue";
  document.title = `${titles[i]} · ${data.event.name}`;
  if (i === steps.length - 1) drawReview();
  at("announce").textContent = `Step ${i + 1} of ${steps.length}: ${titles[i]}`;
  drawTotal();
  scrollTo(0, 0);
  at(`title-${i}`).focus({ preventScroll: true });
}

function drawTotal() {
  const total = totalOf(form, data);
  at("total").innerHTML = total ? "Total <strong></strong>" : "";
  if (total) at("total").lastChild.textContent = money.format(total);
}

function drawReview() {
  const values = valuesOf(form, data);
  const yes = (on) => (on ? "Yes" : "No");
  const rows = [
    [["Name", `${values.first_name} ${values.last_name}`], ["Email", values.email], ["Phone", form.elements.phone.value], ["Country", values.country], ["Organisation", values.company]],
    [["Arrival", long(values.arrival)], ["Departure", long(values.departure)], ["Arriving by", values.transport], ["Note", values.notes]],
    [["Ticket", values.pass], ["Dinner guests", String(values.guests)], ["Shuttle", yes(values.shuttle)], ["Vegetarian meals", yes(values.vegetarian)], ["In the list of attendees", yes(values.listed)]],
  ];
  at("review").replaceChildren(...rows.map((pairs, i) => {
    const part = at("part").content.cloneNode(true).firstChild;
    part.querySelector("h2").textContent = titles[i];
    part.querySelector("button").textContent = "Edit";
    part.querySelector("button").setAttribute("aria-label", `Edit ${titles[i].toLowerCase()}`);
    part.querySelector("button").addEventListener("click", () => show(i));
    part.querySelector("dl").append(...pairs.filter(([, value]) => value).flatMap(([label, value]) => [
      Object.assign(document.createElement("dt"), { textContent: label }), Object.assign(document.createElement("dd"), { textContent: value })]));
    return part;
  }));
}

function setGuests(count) {
  const guests = Math.min(MOST_GUESTS, Math.max(0, Number.parseInt(count, 10) || 0));
  at("guests").value = guests;
  at("guests").setAttribute("aria-valuenow", String(guests));
  document.querySelector('[data-step-by="-1"]').disabled = guests === 0;
  document.querySelector('[data-step-by="1"]').disabled = guests === MOST_GUESTS;
  drawTotal();
}

async function send() {
  at("failed").textContent = "";
  at("next").setAttribute("aria-busy", "true");
  try {
    const reply = await fetch("/api/registration", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(valuesOf(form, data)) });
    if (!reply.ok) throw new Error(String(reply.status));
    finish();
  } catch {
    at("failed").textContent = "Your registration could not be sent. Nothing is lost: please try again.";
  } finally {
    at("next").removeAttribute("aria-busy");
  }
}

function finish() {
  const { first_name, email } = valuesOf(form, data);
  form.hidden = true;
  at("progress").hidden = true;
  at("done").hidden = false;
  at("done-title").textContent = `See you in ${data.event.city}, ${first_name}`;
  at("done-text").textContent = `You are registered for ${data.event.name}. A confirmation is on its way to ${email}.`;
  at("reference").textContent = data.reference;
  document.title = `Registered · ${data.event.name}`;
  scrollTo(0, 0);
  at("done-title").focus({ preventScroll: true });
}

fillPage();
setUpFields(form, data);
setUpCalendar(data);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (at("next").getAttribute("aria-busy") === "true" || !allRightBefore(current + 1)) return;
  if (current < steps.length - 1) show(current + 1);
  else send();
});
form.addEventListener("change", drawTotal);
at("back").addEventListener("click", () => show(current - 1));
at("again").addEventListener("click", () => location.reload());
at("guests").addEventListener("input", () => { if (/^[0-6]$/.test(at("guests").value)) setGuests(at("guests").value); });
at("guests").addEventListener("change", () => setGuests(at("guests").value));
at("guests").addEventListener("keydown", (event) => {
  const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  if (step) setGuests(Number(at("guests").value) + step);
});
for (const button of document.querySelectorAll("[data-step-by]")) button.addEventListener("click", () => setGuests(Number(at("guests").value) + Number(button.dataset.stepBy)));
setGuests(0);
show(0);
document.activeElement.blur();
void root.offsetHeight;
root.dataset.ready = "";
