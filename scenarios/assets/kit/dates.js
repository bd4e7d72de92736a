/** Calendar days without hours or zones, as ISO texts such as 2026-09-14, which sort as they should. */

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const two = (number) => String(number).padStart(2, "0");

export const iso = (year, month, day) => `${year}-${two(month)}-${two(day)}`;
export const parts = (text) => text.split("-").map(Number);
export const monthName = (year, month) => `${MONTHS[month - 1]} ${year}`;

export function long(text) {
  const [year, month, day] = parts(text);
  return `${day} ${monthName(year, month)}`;
}

/** `17–19 September 2026`, or with both months where they differ. */
export function span(from, to) {
  const [a, b] = [parts(from), parts(to)];
  if (a[0] === b[0] && a[1] === b[1]) return `${a[2]}–${long(to)}`;
  return `${a[2]} ${MONTHS[a[1] - 1]} – ${long(to)}`;
}

/** A day in a format such as DD.MM.YYYY. */
export function written(text, format) {
  const [year, month, day] = parts(text);
  return format.replace("YYYY", year).replace("MM", two(month)).replace("DD", two(day));
}

/** What was typed in that format, or in ISO, as an ISO text; null for anything that is no day. */
export function read(typed, format) {
  const numbers = typed.trim().split(/[^0-9]+/);
  const order = /^\d{4}-/.test(typed.trim()) ? ["YYYY", "MM", "DD"] : format.split(/[^A-Z]/);
  if (numbers.length !== 3 || numbers.some((n) => !n)) return null;
  const value = Object.fromEntries(order.map((key, i) => [key, Number(numbers[i])]));
  const day = new Date(Date.UTC(value.YYYY, value.MM - 1, value.DD));
  const real = value.YYYY > 999 && day.getUTCMonth() === value.MM - 1 && day.getUTCDate() === value.DD;
  return real ? iso(value.YYYY, value.MM, value.DD) : null;
}

export const daysIn = (year, month) => new Date(Date.UTC(year, month, 0)).getUTCDate();
/** 0 for a month that begins on a Monday. */
export const firstWeekday = (year, month) => (new Date(Date.UTC(year, month - 1, 1)).getUTCDay() + 6) % 7;
