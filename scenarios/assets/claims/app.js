import { at, data, initials, make, post, show, toast } from "/kit/kit.js";

const money = new Intl.NumberFormat("en", { style: "currency", currency: data.currency });
const LARGEST = 200_000;
let claim = null;

function draw() {
  at("claims").replaceChildren(...data.claims.map((one) => {
    const made = make("claim", { what: one.what, when: `${one.day}, claim ${one.number}`, much: money.format(one.amount), state: one.receipt ? "Receipt there" : "Receipt missing" });
    const button = made.querySelector("button");
    made.querySelector(".tag").dataset.tone = one.receipt ? "good" : "warn";
    button.disabled = Boolean(one.receipt);
    button.setAttribute("aria-label", `Add receipt to claim ${one.number}`);
    button.addEventListener("click", () => ask(one));
    return made;
  }));
}

function ask(one) {
  claim = one;
  at("add-text").textContent = `${one.what}, ${money.format(one.amount)}, claim ${one.number}`;
  at("file").value = "";
  drawFile();
  at("add").showModal();
}

function drawFile() {
  const [file] = at("file").files;
  at("chosen").textContent = file ? `${file.name}, ${file.size} bytes` : "No file chosen yet.";
  at("choose").lastChild.textContent = file ? "Choose another" : "Choose a file";
  at("add-error").textContent = file && file.size > LARGEST ? "This file is too large." : "";
}

at("choose").addEventListener("click", () => at("file").click());
at("file").addEventListener("change", drawFile);
at("add-no").addEventListener("click", () => at("add").close());
at("add-yes").addEventListener("click", async () => {
  const [file] = at("file").files;
  if (!file || file.size > LARGEST) {
    at("add-error").textContent = file ? "This file is too large." : "Choose a file first.";
    return;
  }
  try {
    await post("/api/receipt", { claim: claim.number, name: file.name, text: await file.text() });
    claim.receipt = file.name;
    toast(`${file.name} was added to claim ${claim.number}`);
    draw();
    at("add").close();
  } catch {
    at("add-error").textContent = "The receipt could not be sent. Please try again.";
  }
});

for (const { month, name, rows } of data.statements) {
  const made = make("statement", { month });
  const text = rows.map((row) => row.join(",")).join("\n") + "\n";
  Object.assign(made.firstChild, { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: name });
  made.firstChild.addEventListener("click", () => toast(`${name} is being downloaded`, { sign: "download" }));
  at("statements").append(made);
}

at("name").textContent = data.me;
at("me").textContent = initials(data.me);
draw();
show(`Your expenses · ${data.text.brand}`);
