/** All orders of the shop: those that data.json spells out, and around them others made from its seed. */

export const STATUSES = { ready: "Ready to ship", hold: "On hold", shipped: "Shipped", delivered: "Delivered", cancelled: "Cancelled" };
export const CHANNELS = ["Online store", "Marketplace", "Point of sale", "Wholesale"];
const DAY = 86_400_000;

/** Mulberry32: a small generator that gives the same numbers everywhere. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function lines(next, products) {
  const start = Math.floor(next() * products.length);
  return Array.from({ length: 1 + Math.floor(next() * 3) }, (_, i) => {
    const [name, price] = products[(start + i * 3) % products.length];
    return { name, price, count: 1 + Math.floor(next() * next() * 4) };
  });
}

/** Orders go out after two days or so: the older one is, the further it has got. */
function statusAt(age, chance) {
  if (chance < 0.07) return "cancelled";
  if (chance < 0.16) return "hold";
  if (age < 4) return chance < 0.72 ? "ready" : "shipped";
  if (age < 10) return chance < 0.3 ? "ready" : chance < 0.75 ? "shipped" : "delivered";
  return chance < 0.24 ? "ready" : "delivered";
}

export function makeRows(data) {
  const next = generator(data.seed);
  const pick = (list) => list[Math.floor(next() * list.length)];
  const given = new Map(data.orders.map((order) => [order.id, order]));
  const today = Date.parse(data.today);
  return Array.from({ length: data.count }, (_, i) => {
    const id = `${data.prefix}${data.first + i}`;
    const age = Math.floor(((data.count - 1 - i) * 24) / data.count);
    const who = Math.floor(next() * data.customers.length);
    const drawn = { customer: data.customers[who], status: statusAt(age, next()), channel: pick(CHANNELS), city: data.cities[who % data.cities.length] };
    const order = { id, ...drawn, ...given.get(id), date: new Date(today - age * DAY), lines: lines(next, data.products) };
    order.items = order.lines.reduce((sum, line) => sum + line.count, 0);
    order.total = order.lines.reduce((sum, line) => sum + line.count * line.price, 0);
    return order;
  });
}

export function history({ date, status }, today) {
  const events = [["Order placed", 0], ["Payment received", 0]];
  if (status === "hold") events.push(["Put on hold: address to be confirmed", 1]);
  if (status === "cancelled") events.push(["Cancelled by the customer", 1]);
  if (status === "shipped" || status === "delivered") events.push(["Shipped", 2]);
  if (status === "delivered") events.push(["Delivered", 4]);
  return events.map(([text, days]) => ({ text, date: new Date(Math.min(+date + days * DAY, Date.parse(today))) })).reverse();
}
