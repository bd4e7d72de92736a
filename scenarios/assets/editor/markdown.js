/** What was written, as Markdown: headings, paragraphs, quotes, lists, bold and italic. */
const SIGNS = { H1: "# ", H2: "## ", BLOCKQUOTE: "> ", LI: "- " };

export function markdownOf(root) {
  const blocks = [...root.childNodes].flatMap((block) => (block.tagName === "UL" ? [...block.childNodes] : [block]));
  return blocks.map(line).filter(Boolean).join("\n");
}

function line(block) {
  const words = inline(block, "").replace(/\s+/g, " ").trim();
  return words && (SIGNS[block.tagName] ?? "") + words;
}

function inline(node, around) {
  if (node.nodeType === Node.TEXT_NODE) return marked(node.data, around);
  const mark = { B: "**", STRONG: "**", I: "*", EM: "*" }[node.tagName] ?? "";
  const inner = around.includes(mark) ? around : around + mark;
  return [...node.childNodes].map((child) => inline(child, inner)).join("");
}

/** Marks stand around the words, not around the space beside them. */
function marked(text, mark) {
  const [, before, words, after] = /^(\s*)([\s\S]*?)(\s*)$/.exec(text);
  return words ? before + mark + words + [...mark].reverse().join("") + after : text;
}
