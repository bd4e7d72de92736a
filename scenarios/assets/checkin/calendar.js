import { daysIn, firstWeekday, iso, long, monthName, parts, read, written } from "/kit/dates.js";

const at = (id) => document.getElementById(id);
let data;
let field = null;
let year;
let month;

const opener = () => document.querySelector(`[data-calendar="${field.id}"]`);
const first = () => (field.id === "departure" && read(at("arrival").value, data.date_format)) || data.today;

function open(input) {
  field = input;
  const typed = read(input.value, data.date_format) ?? "";
  [year, month] = parts(typed >= first() ? typed : first() > data.today ? first() : data.event.from);
  at("calendar").setAttribute("aria-label", opener().getAttribute("aria-label"));
  at("calendar").hidden = false;
  opener().setAttribute("aria-expanded", "true");
  draw();
  place();
  at("days").querySelector('[aria-pressed="true"], .event-day, button:not(:disabled)')?.focus({ focusVisible: false, preventScroll: true });
}

/** Below the field; above it where the page would have to be scrolled. */
function place() {
  const box = field.getBoundingClientRect();
  const { offsetHeight: height, offsetWidth: width } = at("calendar");
  const below = box.bottom + 6 + height <= innerHeight;
  at("calendar").style.top = `${Math.max(8, (below ? box.bottom + 6 : box.top - 6 - height) + scrollY)}px`;
  at("calendar").style.left = `${Math.max(8, box.right - width)}px`;
}

function close() {
  if (!field) return;
  opener().setAttribute("aria-expanded", "false");
  opener().focus({ focusVisible: false });
  at("calendar").hidden = true;
  field = null;
}

function draw() {
  const chosen = read(field.value, data.date_format);
  at("month").textContent = monthName(year, month);
  at("month-before").disabled = iso(year, month, 1) <= data.today;
  const days = Array.from({ length: daysIn(year, month) }, (_, i) => {
    const day = iso(year, month, i + 1);
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: i + 1, disabled: day < first() });
    button.setAttribute("aria-label", long(day));
    button.setAttribute("aria-pressed", String(day === chosen));
    button.classList.toggle("event-day", day >= data.event.from && day <= data.event.to);
    button.addEventListener("click", () => take(day));
    return button;
  });
  days[0].style.gridColumnStart = firstWeekday(year, month) + 1;
  at("days").replaceChildren(...days);
}

function take(day) {
  field.value = written(day, data.date_format);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("blur"));
  close();
}

function turn(by) {
  const next = new Date(Date.UTC(year, month - 1 + by, 1));
  [year, month] = [next.getUTCFullYear(), next.getUTCMonth() + 1];
  draw();
}

export function setUpCalendar(given) {
  data = given;
  at("month-before").addEventListener("click", () => turn(-1));
  at("month-after").addEventListener("click", () => turn(1));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-calendar]");
    const again = button && field?.id === button.dataset.calendar;
    if (button || !event.composedPath().includes(at("calendar"))) close();
    if (button && !again) open(at(button.dataset.calendar));
  });
  document.addEventListener("keydown", (event) => {
    if (!field) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[event.key];
    const days = [...at("days").children];
    if (event.key === "Escape") close();
    if (step && at("calendar").contains(document.activeElement)) {
      days[days.indexOf(document.activeElement) + step]?.focus();
      event.preventDefault();
    }
  });
}
