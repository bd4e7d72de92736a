import { at, data, make, show } from "/kit/kit.js";

const invoice = data.invoices[Number(new URLSearchParams(location.search).get("n"))];
const money = new Intl.NumberFormat(data.locale, { style: "currency", currency: data.text.currency });
const row = ([what, cents]) => make("row", { what, much: money.format(cents / 100) });

for (const id of ["supplier", "town", "number", "day", "reference", "note"]) at(id).textContent = invoice[id];
at("iban").textContent = invoice.iban.replace(/(.{4})(?=.)/g, "$1 ");
at("lines").append(...invoice.lines.map(row));
const net = invoice.lines.reduce((sum, [, cents]) => sum + cents, 0);
const tax = Math.round((net * data.tax) / 100);
at("sums").append(...[["Net", net], [`VAT ${data.tax} %`, tax], ["Total", net + tax]].map(row));
show(`${invoice.number} · ${invoice.supplier}`);
