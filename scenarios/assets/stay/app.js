import { at, data, make, post, show } from "/kit/kit.js";
import { long } from "/kit/dates.js";
import { chosen, nights, setUpCalendar } from "./calendar.js";

const money = new Intl.NumberFormat("en", { style: "currency", currency: data.currency, maximumFractionDigits: 0 });
const people = Object.fromEntries(data.people.map(({ key, first }) => [key, first]));

at("facts").append(...data.facts.map((text) => make("fact", { text })));
at("rate").textContent = money.format(data.rate);

for (const { key, label, hint, least, most } of data.people) {
  const made = make("stepper", { label, hint });
  const [less, more] = made.querySelectorAll("button");
  const draw = () => {
    made.querySelector("output").textContent = people[key];
    less.disabled = people[key] === least;
    more.disabled = people[key] === most;
  };
  less.setAttribute("aria-label", `Fewer ${label.toLowerCase()}`);
  more.setAttribute("aria-label", `More ${label.toLowerCase()}`);
  less.addEventListener("click", () => { people[key] -= 1; draw(); });
  more.addEventListener("click", () => { people[key] += 1; draw(); });
  draw();
  at("people").append(made);
}

function drawStay() {
  at("arrive-text").textContent = chosen.arrive ? long(chosen.arrive) : "Add a date";
  at("depart-text").textContent = chosen.depart ? long(chosen.depart) : "Add a date";
  if (chosen.depart) at("when-error").textContent = "";
  const count = chosen.depart ? nights() : 0;
  const rows = count ? [[`${money.format(data.rate)} × ${count} nights`, count * data.rate], ["Cleaning", data.cleaning], ["Total", count * data.rate + data.cleaning]] : [];
  at("sums").replaceChildren(...rows.map(([what, much]) => make("sum", { what, much: money.format(much) })));
}

at("book").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!chosen.depart) {
    at("when-error").textContent = "Choose the day you arrive and the day you leave.";
    at("when").focus();
    return;
  }
  at("send").setAttribute("aria-busy", "true");
  try {
    await post("/api/booking", { ...chosen, ...people });
    at("page").hidden = true;
    at("done").hidden = false;
    at("done-text").textContent = `${data.text.house}, ${long(chosen.arrive)} to ${long(chosen.depart)}. ${data.text.host} answers within a day.`;
    at("done-code").textContent = `Request ${data.code}`;
    at("done-title").focus();
    scrollTo(0, 0);
  } catch {
    at("when-error").textContent = "Your request could not be sent. Please try again.";
  } finally {
    at("send").removeAttribute("aria-busy");
  }
});

setUpCalendar(drawStay);
drawStay();
show(`${data.text.house} · ${data.text.brand}`);
