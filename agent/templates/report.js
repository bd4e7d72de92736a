// j and k go from step to step.
addEventListener("keydown", (event) => {
  const way = { j: 1, k: -1 }[event.key];
  if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
  const steps = [...document.querySelectorAll(".step")];
  const tops = steps.map((step) => Math.round(step.getBoundingClientRect().top - 72));
  const next = way > 0 ? tops.findIndex((top) => top > 4) : tops.findLastIndex((top) => top < -4);
  if (next < 0) return;
  steps[next].scrollIntoView();
  steps[next].focus({ preventScroll: true });
});
