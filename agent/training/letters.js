// What is written on the page, letter by letter, as far as it can be seen: [sign, left, top, right, bottom] in pixels.
(() => {
  const found = [];
  const range = document.createRange();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    for (let at = 0; at < node.data.length; at++) {
      if (/\s/.test(node.data[at])) continue;
      range.setStart(node, at);
      range.setEnd(node, at + 1);
      const box = range.getBoundingClientRect();
      if (!box.width || !box.height) continue;
      const shown = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
      if (!shown || !(shown === node.parentElement || shown.contains(node))) continue;
      found.push([node.data[at], ...[box.left, box.top, box.right, box.bottom].map(Math.round)]);
    }
  }
  return found;
})()
