"use strict";
// Shows only what is asked for; without scripts the whole tree stands there, folded.
(() => {
  const nodes = [...document.querySelectorAll("#tree .node")].reverse(); // children before their parents
  const boxes = [...document.querySelectorAll(".controls input[type=checkbox]")];
  const find = document.getElementById("find");
  const show = () => {
    const ops = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const text = find.value.trim().toLowerCase();
    for (const node of nodes) {
      const wanted = ops.has(node.dataset.op) && node.dataset.text.includes(text);
      const below = node.querySelector(".node:not([hidden])");
      node.hidden = !wanted && !below;
      node.open = node.open || Boolean(text && below);
    }
  };
  const fold = (open) => nodes.forEach((node) => { node.open = open; });
  boxes.forEach((box) => box.addEventListener("change", show));
  find.addEventListener("input", show);
  document.getElementById("open").addEventListener("click", () => fold(true));
  document.getElementById("close").addEventListener("click", () => fold(false));
  show();
})();
