// Returns the texts of the open dialog, else of the page, that are cut off at a side or
// lie on others, and the widths of the page if it can be scrolled sideways. Looks into
// shadow roots.
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
  const whole = (node) => {
    while (node.getRootNode().host?.localName !== "home-assistant") node = node.getRootNode().host;
    return node;
  };
  const everything = [...inside(document)];
  const dialogs = everything.filter((node) => node.open && node.localName === "dialog");
  const roots = dialogs.length
    ? dialogs.map(whole)
    : everything.filter((node) => node.localName === "partial-panel-resolver");
  for (const root of roots) {
    const shown = [];
    for (const node of inside(root)) {
      if (node.nodeType !== Node.TEXT_NODE || !node.data.trim()) continue;
      if (!node.parentElement?.checkVisibility({ visibilityProperty: true })) continue;
      if (node.parentElement.closest("style")) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      let left = 0, right = page.clientWidth, top = 0, bottom = page.clientHeight;
      let has_dots = false;
      for (let up = parent(node); up; up = parent(up)) {
        if (!(up instanceof Element)) continue;
        const style = getComputedStyle(up), box = up.getBoundingClientRect();
        if (style.overflowX === "visible" || !box.width) continue;
        left = Math.max(left, box.left);
        right = Math.min(right, box.right);
        // What is scrolled away lies on nothing.
        top = Math.max(top, box.top);
        bottom = Math.min(bottom, box.bottom);
        has_dots ||= style.textOverflow === "ellipsis" && up.scrollWidth > up.clientWidth;
      }
      const boxes = [...range.getClientRects()].filter((box) => box.width);
      if (has_dots || boxes.some((box) => box.left < left - 1 || box.right > right + 1))
        cut.push(node.data.trim());
      const seen = boxes.filter((box) => box.top >= top - 1 && box.bottom <= bottom + 1);
      shown.push({ text: node.data.trim(), boxes: seen });
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
