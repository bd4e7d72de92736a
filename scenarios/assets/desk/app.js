import { at, data, make, post, show, toast } from "/kit/kit.js";

const form = at("reply");
const STATES = ["Open", "Waiting for customer", "Solved"];
let open = data.tickets[0];

function draw() {
  at("tickets").replaceChildren(...data.tickets.map((ticket) => {
    const item = make("item", { subject: ticket.subject, who: `#${ticket.number}, ${ticket.customer}`, state: ticket.state });
    if (ticket === open) item.setAttribute("aria-current", "true");
    item.querySelector(".tag").dataset.tone = ticket.state === "Solved" ? "good" : ticket.state === "Open" ? "warn" : "accent";
    item.addEventListener("click", () => { open = ticket; form.reset(); draw(); at("subject").scrollIntoView({ block: "nearest" }); });
    return item;
  }));
  at("subject").textContent = open.subject;
  at("from").textContent = `#${open.number} from ${open.customer}, ${open.day}`;
  at("message").textContent = open.message;
  at("facts").replaceChildren(...[["Name", open.customer], ["Order", open.order], ["Customer since", open.since]].map(([what, value]) => make("fact", { what, value })));
  drawDraft();
}

function drawDraft() {
  const chosen = data.answers.find(({ name }) => name === form.elements.answer.value);
  at("draft").textContent = chosen ? chosen.text.replace("NAME", open.customer.split(" ")[0]) : "";
  if (chosen) at("reply-error").textContent = "";
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [answer, state] = [form.elements.answer.value, form.elements.state.value];
  if (!answer) {
    at("reply-error").textContent = "Choose an answer first.";
    form.elements.answer.focus();
    return;
  }
  try {
    await post("/api/answer", { ticket: open.number, answer, state });
    open.state = state;
    toast(`Answer to #${open.number} sent`);
    form.reset();
    draw();
  } catch {
    at("reply-error").textContent = "The answer could not be sent. Please try again.";
  }
});

form.elements.answer.append(new Option("Choose an answer…", ""), ...data.answers.map(({ name }) => new Option(name)));
form.elements.state.append(...STATES.map((state) => new Option(state)));
form.elements.answer.addEventListener("change", drawDraft);
at("key").textContent = data.key;
draw();
show(`Tickets · ${data.text.brand}`);
