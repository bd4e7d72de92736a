import { at, data, make, post, show } from "/kit/kit.js";

const form = at("transfer");
const FIELDS = ["payee", "iban", "amount", "reference"];

at("invoices").append(...data.invoices.map((one, i) => {
  const item = make("item", { number: one.number, who: `${one.supplier}, due ${one.due}` });
  item.querySelector("a").href = `invoice.html?n=${i}`;
  return item;
}));

const bare = (iban) => iban.replace(/\s/g, "").toUpperCase();

/** Whether the two check digits of an IBAN fit the rest: the number made of it leaves 1 when divided by 97. */
function isIban(text) {
  const iban = bare(text);
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(iban)) return false;
  const digits = [...iban.slice(4) + iban.slice(0, 4)].map((c) => Number.parseInt(c, 36)).join("");
  return BigInt(digits) % 97n === 1n;
}

/** What was typed in cents, with a point or a comma before them; null for anything that is no amount. */
function cents(text) {
  const found = /^(\d{1,3}(?:[ ,.’']\d{3})*|\d+)(?:[.,](\d{1,2}))?$/.exec(text.trim());
  return found && Number(found[1].replace(/\D/g, "")) * 100 + Number((found[2] ?? "0").padEnd(2, "0"));
}

const COMPLAINTS = {
  payee: (value) => (value.trim() ? "" : "Who gets the money?"),
  iban: (value) => (isIban(value) ? "" : "This is no IBAN: check its digits."),
  amount: (value) => (cents(value) ? "" : "Enter an amount such as 125.50."),
  reference: (value) => (value.trim() ? "" : "Enter the reference of the invoice."),
};

function validate(name) {
  const complaint = COMPLAINTS[name](form.elements[name].value);
  at(`${name}-error`).textContent = complaint;
  form.elements[name].setAttribute("aria-invalid", String(Boolean(complaint)));
  form.elements[name].setAttribute("aria-describedby", `${name}-error`);
  return !complaint;
}

for (const name of FIELDS) form.elements[name].addEventListener("input", () => { if (form.elements[name].ariaInvalid === "true") validate(name); });

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const wrong = FIELDS.filter((name) => !validate(name));
  if (wrong.length) return form.elements[wrong[0]].focus();
  const [payee, iban, amount, reference] = FIELDS.map((name) => form.elements[name].value.trim());
  try {
    await post("/api/transfer", { payee, iban: bare(iban), cents: cents(amount), reference });
    at("page").hidden = true;
    at("done").hidden = false;
    at("done-text").textContent = `${data.approver} approves the transfer to ${payee} before it leaves the account.`;
    at("done-title").focus();
  } catch {
    at("failed").textContent = "The transfer could not be sent. Please try again.";
  }
});

show(`New transfer · ${data.text.brand}`);
