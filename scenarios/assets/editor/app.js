import { arrows, at, data, icon, make, post, show, toast } from "/kit/kit.js";
import { markdownOf } from "./markdown.js";

const text = at("text");
const TOOLS = [
  { name: "Bold", sign: "<b>B</b>", keys: "Ctrl+B", run: () => document.execCommand("bold"), on: () => document.queryCommandState("bold") },
  { name: "Italic", sign: "<i>I</i>", keys: "Ctrl+I", run: () => document.execCommand("italic"), on: () => document.queryCommandState("italic") },
  null,
  { name: "Heading", sign: "<b>H</b>", run: () => block("h2"), on: () => blockIs("h2") },
  { name: "Bulleted list", icon: "list", run: () => document.execCommand("insertUnorderedList"), on: () => document.queryCommandState("insertUnorderedList") },
  { name: "Quote", icon: "quote", run: () => block("blockquote"), on: () => blockIs("blockquote") },
  null,
  { name: "Undo", icon: "undo", keys: "Ctrl+Z", run: () => document.execCommand("undo") },
  { name: "Redo", icon: "redo", keys: "Ctrl+Y", run: () => document.execCommand("redo") },
];

const blockIs = (tag) => document.queryCommandValue("formatBlock") === tag;
const block = (tag) => document.execCommand("formatBlock", false, blockIs(tag) ? "p" : tag);

function drawTools() {
  for (const tool of TOOLS) {
    if (!tool) {
      at("tools").append(document.createElement("hr"));
      continue;
    }
    const button = make("tool");
    if (tool.icon) button.append(icon(tool.icon));
    else button.innerHTML = tool.sign;
    button.setAttribute("aria-label", tool.name);
    button.title = tool.keys ? `${tool.name} (${tool.keys})` : tool.name;
    if (tool.on) button.setAttribute("aria-pressed", "false");
    button.addEventListener("mousedown", (event) => event.preventDefault()); // or the text would lose its selection
    button.addEventListener("click", () => { text.focus(); tool.run(); drawState(); });
    tool.button = button;
    at("tools").append(button);
  }
  at("tools").addEventListener("keydown", (event) => arrows(event, [...at("tools").querySelectorAll("button")], "ArrowLeft", "ArrowRight"));
}

function drawState() {
  const inside = text.contains(document.getSelection()?.anchorNode);
  for (const tool of TOOLS) if (tool?.on) tool.button.setAttribute("aria-pressed", String(inside && tool.on()));
  const words = text.innerText.trim().split(/\s+/).length;
  at("count").textContent = `${words} words`;
}

function element({ kind, text: words }) {
  const made = document.createElement(kind === "list" ? "ul" : kind);
  if (kind !== "list") made.textContent = words;
  else made.append(...words.map((point) => Object.assign(document.createElement("li"), { textContent: point })));
  return made;
}

at("publish").addEventListener("click", async () => {
  at("publish").setAttribute("aria-busy", "true");
  try {
    await post("/api/post", { title: at("title").value.trim(), text: markdownOf(text) });
    at("state").textContent = "Published";
    at("state").dataset.tone = "good";
    toast(`“${at("title").value.trim()}” is published`);
  } catch {
    toast("Not published: the server can’t be reached", { sign: "alert" });
  } finally {
    at("publish").removeAttribute("aria-busy");
  }
});

at("title").value = data.post.title;
at("byline").textContent = data.post.byline;
text.append(...data.post.blocks.map(element));
document.execCommand("defaultParagraphSeparator", false, "p");
document.execCommand("styleWithCSS", false, false);
text.addEventListener("input", () => {
  for (const el of text.querySelectorAll("[style]")) el.removeAttribute("style"); // what editing commands leave behind
  at("state").textContent = "Draft, not published";
  delete at("state").dataset.tone;
});
text.addEventListener("paste", (event) => {
  event.preventDefault();
  document.execCommand("insertText", false, event.clipboardData.getData("text/plain"));
});
document.addEventListener("selectionchange", drawState);
drawTools();
drawState();
show(`${data.post.title} · ${data.text.brand}`);
