/** Two months to choose a stay from: the first click is the day of arrival, the second the day of departure. */
import { arrows, at, data, make } from "/kit/kit.js";
import { daysIn, firstWeekday, iso, long, monthName, parts } from "/kit/dates.js";

const DAYS = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
const DAY = 24 * 60 * 60 * 1000;

export const chosen = { arrive: null, depart: null };
const span = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / DAY);
export const nights = () => span(chosen.arrive, chosen.depart);

const booked = (day) => data.booked.some(({ from, to }) => day >= from && day < to);
const choosingDeparture = () => Boolean(chosen.arrive && !chosen.depart);
let [year, month] = parts(data.today);
let changed;

/** A day can be arrived on when its night is free; departed on when every night since the arrival is, and enough are. */
function possible(day) {
  if (!choosingDeparture() || day <= chosen.arrive) return day >= data.today && !booked(day);
  const blocked = data.booked.some(({ from }) => from >= chosen.arrive && from < day);
  return !blocked && span(chosen.arrive, day) >= data.least_nights;
}

function take(day) {
  if (choosingDeparture() && day > chosen.arrive) chosen.depart = day;
  else Object.assign(chosen, { arrive: day, depart: null });
  changed();
  draw();
  if (chosen.depart) close();
  else document.querySelector(`[data-day="${day}"]`).focus({ focusVisible: false });
}

function draw() {
  const second = month === 12 ? [year + 1, 1] : [year, month + 1];
  at("months").replaceChildren(drawMonth(year, month), drawMonth(...second));
  at("before").disabled = iso(year, month, 1) <= data.today;
  at("hint").textContent = choosingDeparture() ? "When do you leave?" : "When do you arrive?";
}

function drawMonth(y, m) {
  const name = monthName(y, m);
  const made = make("month", { name });
  const grid = made.querySelector(".grid");
  grid.setAttribute("aria-label", name);
  const shift = data.week_starts === "Sunday" ? 1 : 0;
  const heads = [...DAYS.slice(7 - shift), ...DAYS.slice(0, 7 - shift)];
  grid.append(...heads.map((textContent) => Object.assign(document.createElement("span"), { textContent, ariaHidden: "true" })));
  const days = Array.from({ length: daysIn(y, m) }, (_, i) => dayButton(iso(y, m, i + 1), i + 1));
  days[0].style.gridColumnStart = ((firstWeekday(y, m) + shift) % 7) + 1;
  grid.append(...days);
  return made;
}

function dayButton(day, number) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: number, disabled: !possible(day) });
  button.dataset.day = day;
  button.setAttribute("aria-label", long(day));
  button.setAttribute("aria-pressed", String(day === chosen.arrive || day === chosen.depart));
  button.classList.toggle("between", Boolean(chosen.depart) && day > chosen.arrive && day < chosen.depart);
  button.addEventListener("click", () => take(day));
  return button;
}

function turn(by) {
  const next = new Date(Date.UTC(year, month - 1 + by, 1));
  [year, month] = [next.getUTCFullYear(), next.getUTCMonth() + 1];
  draw();
}

function open() {
  [year, month] = parts(chosen.arrive ?? data.today);
  draw();
  at("calendar").hidden = false;
  at("when").setAttribute("aria-expanded", "true");
  at("months").querySelector('[aria-pressed="true"], button:not(:disabled)')?.focus({ focusVisible: false, preventScroll: true });
}

function close() {
  if (at("calendar").hidden) return;
  at("calendar").hidden = true;
  at("when").setAttribute("aria-expanded", "false");
  at("when").focus({ focusVisible: false });
}

export function setUpCalendar(whenChanged) {
  changed = whenChanged;
  at("rule").textContent = `At least ${data.least_nights} nights`;
  at("before").addEventListener("click", () => turn(-1));
  at("after").addEventListener("click", () => turn(1));
  at("clear").addEventListener("click", () => { Object.assign(chosen, { arrive: null, depart: null }); changed(); draw(); });
  at("when").addEventListener("click", () => (at("calendar").hidden ? open() : close()));
  document.addEventListener("mousedown", (event) => {
    if (!at("calendar").contains(event.target) && !at("when").contains(event.target)) close();
  });
  document.addEventListener("keydown", (event) => {
    if (at("calendar").hidden) return;
    if (event.key === "Escape") close();
    else if (at("months").contains(document.activeElement)) arrows(event, [...at("months").querySelectorAll("button:not(:disabled)")], "ArrowLeft", "ArrowRight");
  });
}
