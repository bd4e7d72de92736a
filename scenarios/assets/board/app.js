import { at, data, initials, make, post, show, toast } from "/kit/kit.js";

const board = at("board");
const lists = new Map();
let lifted = null;

const cardsOf = (list) => [...list.querySelectorAll(".item")];
const nameOf = (list) => list.dataset.name;

for (const { name, cards } of data.columns) {
  const column = make("column", { name });
  const list = column.querySelector(".cards");
  list.dataset.name = name;
  list.setAttribute("aria-label", name);
  lists.set(name, list);
  list.append(...cards.map(drawCard));
  column.addEventListener("dragover", (event) => over(event, column, list));
  column.addEventListener("dragleave", (event) => { if (!column.contains(event.relatedTarget)) unmark(); });
  column.addEventListener("drop", (event) => { event.preventDefault(); drop(list, before(list, event.clientY)); });
  board.append(column);
}

function drawCard({ key, title, who, labels }) {
  const card = make("card", { key, title, who: initials(who) });
  card.dataset.key = key;
  card.setAttribute("aria-label", `${title}, ${key}`);
  card.querySelector(".foot .avatar").title = who;
  for (const hue of labels) {
    const label = document.createElement("i");
    label.style.setProperty("--label", hue);
    card.querySelector(".labels").append(label);
  }
  card.addEventListener("dragstart", (event) => {
    lifted = card;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", key);
    requestAnimationFrame(() => card.classList.add("lifted"));
  });
  card.addEventListener("dragend", () => { card.classList.remove("lifted"); lifted = null; unmark(); });
  card.addEventListener("keydown", moveByKey);
  return card;
}

/** The card that the dragged one would come to lie above: the first whose middle is below the pointer. */
function before(list, y) {
  return cardsOf(list).find((card) => {
    const box = card.getBoundingClientRect();
    return card !== lifted && y < box.top + box.height / 2;
  }) ?? null;
}

function over(event, column, list) {
  if (!lifted) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "move";
  unmark();
  const next = before(list, event.clientY);
  column.classList.add("over");
  if (next) next.classList.add("before");
  else list.classList.add("end");
}

function unmark() {
  for (const el of board.querySelectorAll(".over, .before, .end")) el.classList.remove("over", "before", "end");
}

async function drop(list, next) {
  const card = lifted;
  unmark();
  if (!card || card === next) return;
  const [home, follower] = [card.parentElement, card.nextElementSibling];
  list.insertBefore(card, next);
  count();
  at("announce").textContent = `${card.dataset.key} is now ${cardsOf(list).indexOf(card) + 1} of ${cardsOf(list).length} in ${nameOf(list)}`;
  at("saved").textContent = "Saving…";
  try {
    await post("/api/board", { columns: Object.fromEntries([...lists].map(([name, one]) => [name, cardsOf(one).map((c) => c.dataset.key)])) });
    at("saved").textContent = "All changes saved";
  } catch {
    home.insertBefore(card, follower);
    count();
    at("saved").textContent = "";
    toast("The card was put back: the server can’t be reached", { sign: "alert" });
  }
}

function moveByKey(event) {
  const card = event.currentTarget;
  const columns = [...lists.values()];
  const list = card.parentElement;
  const beside = columns[columns.indexOf(list) + ({ ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0)];
  const places = { ArrowUp: card.previousElementSibling, ArrowDown: card.nextElementSibling?.nextElementSibling ?? null };
  if (!event.altKey || !event.key.startsWith("Arrow") || !beside) return;
  event.preventDefault();
  if (event.key === "ArrowUp" && !places.ArrowUp) return;
  lifted = card;
  drop(beside, beside === list ? places[event.key] : cardsOf(beside)[cardsOf(list).indexOf(card)] ?? null);
  lifted = null;
  card.focus();
}

function count() {
  for (const list of lists.values()) list.parentElement.querySelector(".tag").textContent = cardsOf(list).length;
}

at("me").textContent = initials(data.me);
count();
show(`${data.text.board} · ${data.text.brand}`);
