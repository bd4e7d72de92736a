import { long, read, written } from "/kit/dates.js";

const at = (id) => document.getElementById(id);
export const MOST_GUESTS = 6;
const EMPTY = {
  first_name: "Enter your first name.", last_name: "Enter your last name.", email: "Enter your email address.", phone: "Enter your phone number.",
  country: "Choose your country.", arrival: "Enter your arrival date.", departure: "Enter your departure date.", transport: "Choose how you arrive.",
  pass: "Choose a ticket.", agreed: "Please read the code of conduct and tick this box.",
};

function dateComplaint(input, data) {
  const day = read(input.value, data.date_format);
  const arrival = read(at("arrival").value, data.date_format);
  if (!day) return `Enter a date like ${written(data.event.from, data.date_format)}.`;
  if (day < data.today) return `This date is in the past: today is ${long(data.today)}.`;
  if (input.id === "departure" && arrival && day < arrival) return "You can’t leave before you arrive.";
  return "";
}

function complaint(input, data) {
  const value = input.value.trim();
  const missing = input.type === "checkbox" ? !input.checked : input.type === "radio" ? !input.form.elements.pass.value : !value;
  if (missing) return input.required ? EMPTY[input.name] : "";
  if (input.name === "email" && !/^[^\s@]+@[^\s@]+\.[^\s@]{2,}$/.test(value)) return "Enter an address like name@example.com.";
  if (input.name === "phone" && !/^\+\d(?:[ ()-]*\d){6,14}$/.test(value)) return "Start with + and the country code, then 6 to 14 digits.";
  if (input.name === "arrival" || input.name === "departure") return dateComplaint(input, data);
  return "";
}

/** Shows what is wrong with a field, or takes it back; whether it is right. */
export function validate(input, data) {
  const text = complaint(input, data);
  const box = input.closest(".field");
  const note = box.querySelector(".error");
  note.textContent = text;
  if (text) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
  if (input.type === "radio") for (const other of input.form.elements.pass) if (!text) other.removeAttribute("aria-invalid");
  return !text;
}

/** Each field gets its line for complaints, speaks up when it is left, and is checked again while it is corrected. */
export function setUpFields(form, data) {
  for (const box of form.querySelectorAll(".field")) {
    const inputs = box.querySelectorAll("input, select");
    const note = Object.assign(document.createElement("p"), { className: "error", id: `${inputs[0].name}-error` });
    if (inputs[0].name === "arrival" || inputs[0].name === "departure") box.append(formatHint(inputs[0], data));
    box.append(note);
    for (const input of inputs) {
      input.setAttribute("aria-describedby", [note.id, box.querySelector(".field-hint")?.id].filter(Boolean).join(" "));
      input.addEventListener("blur", () => { if (input.value && input.type !== "radio" && input.type !== "checkbox") validate(input, data); });
      input.addEventListener("input", () => { if (box.querySelector("[aria-invalid]")) validate(input, data); });
    }
  }
}

function formatHint(input, data) {
  return Object.assign(document.createElement("p"), { className: "field-hint", id: `${input.id}-hint`, textContent: `Write it as ${data.date_format}` });
}

export function valuesOf(form, data) {
  const { elements } = form;
  const text = (name) => elements[name].value.trim();
  return {
    first_name: text("first_name"), last_name: text("last_name"), email: text("email"), phone: text("phone").replace(/[ ()-]/g, ""),
    country: text("country"), company: text("company"),
    arrival: read(text("arrival"), data.date_format), departure: read(text("departure"), data.date_format), transport: text("transport"), notes: text("notes"),
    pass: text("pass"), guests: Number(text("guests")), shuttle: elements.shuttle.checked, vegetarian: elements.vegetarian.checked, listed: elements.listed.checked,
    total: totalOf(form, data),
  };
}

export function totalOf(form, data) {
  const pass = data.passes.find((p) => p.name === form.elements.pass.value);
  return (pass?.price ?? 0) + Number(form.elements.guests.value) * data.guest_price;
}
