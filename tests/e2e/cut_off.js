// Returns the texts of an open dialog that are cut off at a side or lie on others, and
// the widths of the page if it can be scrolled sideways. Looks into shadow roots.
() => {
  const inside = function* (node) {
    for (const child of node.childNodes) {
      yield child;
      yield* inside(child);
    }
    if (node.shadowRoot) yield* inside(node.shadowRoot);
  };
  const parent = (node) => node.assignedSlot ?? node.parentNode ?? node.host;
  const page = document.documentElement;
  const cut = [];
  if (page.scrollWidth > page.clientWidth)
    cut.push(`page ${page.scrollWidth} > ${page.clientWidth}`);
  const dialogs = [...inside(document)].filter((node) => node.open && node.localName === "dialog");
  for (const dialog of dialogs) {
    const shown = [];
    for (const node of inside(dialog.getRootNode().host ?? dialog)) {
      if (node.nodeType !== Node.TEXT_NODE || !node.data.trim()) continue;
      if (!node.parentElement?.checkVisibility({ visibilityProperty: true })) continue;
      if (node.parentElement.closest("style")) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      let left = 0, right = page.clientWidth;
      for (let up = parent(node); up; up = parent(up))
        if (up instanceof Element && getComputedStyle(up).overflowX !== "visible") {
          const box = up.getBoundingClientRect();
          if (!box.width) continue;
          left = Math.max(left, box.left);
          right = Math.min(right, box.right);
        }
      const boxes = [...range.getClientRects()].filter((box) => box.width);
      if (boxes.some((box) => box.left < left - 1 || box.right > right + 1))
        cut.push(node.data.trim());
      shown.push({ text: node.data.trim(), boxes });
    }
    const touch = (one, other) =>
      Math.min(one.right, other.right) - Math.max(one.left, other.left) > 2 &&
      Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 5;
    shown.forEach((one, index) => {
      for (const other of shown.slice(index + 1))
        if (one.boxes.some((box) => other.boxes.some((its) => touch(box, its))))
          cut.push(`${one.text} / ${other.text}`);
    });
  }
  return cut;
};
