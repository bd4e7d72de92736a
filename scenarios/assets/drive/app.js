import { at, data, initials, make, post, show, toast } from "/kit/kit.js";
import { closeAll, openMenu } from "./menus.js";

const moved = {};
const told = [];
let asked = null;

const shared = ({ people }) => (people.length ? people.join(", ") : "Only you");
const plain = (text) => toast(text, { sign: "alert" });

function draw() {
  const here = data.files.filter(({ name }) => !(name in moved));
  at("rows").replaceChildren(...here.map((file) => {
    const row = make("row", { name: file.name, shared: shared(file), changed: file.changed });
    const button = row.querySelector("button");
    button.setAttribute("aria-label", `More about ${file.name}`);
    button.addEventListener("click", () => (button.ariaExpanded === "true" ? closeAll() : openMenu(button, actions(file))));
    return row;
  }));
  at("empty").hidden = here.length > 0;
}

function actions(file) {
  const folders = data.folders.map(({ name, inner }) => ({
    label: name,
    sign: "folder",
    inner: inner.map((one) => ({ label: one, sign: "folder", run: () => ask(file, `${name}/${one}`) })),
  }));
  return [
    { label: "Open", sign: "out", run: () => plain(`${file.name} has no preview`) },
    { label: "Copy link", sign: "link", run: () => toast("Link copied") },
    { label: "Move to", sign: "folder", inner: folders },
    { label: "Download", sign: "download", inner: ["As it is", "As PDF"].map((label) => ({ label, run: () => plain("Downloads are switched off for your team") })) },
    null,
    { label: "Delete…", sign: "trash", danger: true, run: () => plain("Only the owner of a file can delete it") },
  ];
}

function ask(file, to) {
  asked = { file, to };
  at("move-title").textContent = `Move ${file.name}?`;
  at("move-text").textContent = `It will be in ${to.replace("/", " › ")}. Links to it go on working.`;
  at("tell-label").textContent = `Tell ${shared(file)} by email`;
  at("tell").checked = true;
  at("move").showModal();
}

async function put(file, to, tell) {
  const before = moved[file.name];
  if (to) moved[file.name] = to;
  else delete moved[file.name];
  if (tell) told.push(file.name);
  try {
    await post("/api/files", { moved, told });
    const back = () => put(file, before, false);
    toast(to ? `Moved to ${to.replace("/", " › ")}` : `${file.name} is back`, to ? { act: "Undo", doing: back } : {});
  } catch {
    delete moved[file.name];
    plain("Nothing was moved: the server can’t be reached");
  }
  draw();
}

at("move-no").addEventListener("click", () => at("move").close());
at("move-yes").addEventListener("click", () => { at("move").close(); put(asked.file, asked.to, at("tell").checked); });
at("news-later").addEventListener("click", () => at("news").close());
at("news-tour").addEventListener("click", () => { at("news").close(); plain("The tour begins with the next version"); });
at("me").textContent = initials(data.me);
draw();
show(`${data.text.folder} · ${data.text.brand}`);
at("news").showModal();
