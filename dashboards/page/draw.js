// Elements: made, kept up to date in place, and the small drawings of intervals.

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set(["svg", "line", "rect", "circle", "path"]);

// h("td", {class: "n"}, "7,214"): an element. Text is always text, never markup.
export function h(tag, attributes = {}, ...children) {
  const made = DRAWN.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

// Makes `old`'s children equal to those of `fresh`, touching only what differs, so that focus, open
// details, scrolling and selected text stay as they are.
export function patch(old, fresh) {
  const wanted = [...fresh.childNodes];
  wanted.forEach((node, place) => {
    const present = old.childNodes[place];
    if (!present) old.append(node);
    else if (!same(present, node)) present.replaceWith(node);
    else if (node.nodeType === Node.TEXT_NODE) {
      if (present.data !== node.data) present.data = node.data;
    } else {
      attributes(present, node);
      patch(present, node);
    }
  });
  while (old.childNodes.length > wanted.length) old.lastChild.remove();
}

function same(a, b) {
  return a.nodeName === b.nodeName && (a.nodeType === Node.TEXT_NODE || a.getAttribute("data-key") === b.getAttribute("data-key"));
}

function attributes(old, fresh) {
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) {
    const reader = old.nodeName === "DETAILS" && name === "open"; // the reader opened it
    if (!fresh.hasAttribute(name) && !reader) old.removeAttribute(name);
  }
}

// A table that stays one for screen readers when narrow windows lay it out as cards.
export function table(caption, head, rows, kind = "") {
  return h("table", { class: kind, role: "table" },
    h("caption", {}, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, head.map((cell) => headCell(cell)))),
    h("tbody", { role: "rowgroup" }, rows.map(({ key, cells, mark }) =>
      h("tr", { role: "row", "data-key": key, class: mark }, cells.map((cell, place) => bodyCell(cell, head[place], place))))));
}

function headCell({ name, kind, hint }) {
  return h("th", { role: "columnheader", scope: "col", class: kind, title: hint }, name);
}

function bodyCell(cell, { name, kind }, place) {
  const content = Array.isArray(cell) ? cell : [cell];
  if (place === 0) return h("th", { role: "rowheader", scope: "row", class: kind }, content);
  return h("td", { role: "cell", class: kind, "data-label": name }, content);
}

// An interval with its point on a scale from `from` to `to`. `marks` are vertical lines:
// [{at, kind}], `zones` are shaded spans: [{from, to, kind}]. What lies outside is cut off at the edge.
export function interval({ value, low, high, from, to, tone, marks = [], zones = [] }) {
  const x = (v) => `${(100 * Math.min(1, Math.max(0, (v - from) / (to - from)))).toFixed(2)}%`;
  const width = (a, b) => `${Math.max(0, parseFloat(x(b)) - parseFloat(x(a))).toFixed(2)}%`;
  return h("svg", { class: `interval ${tone ?? ""}`, "aria-hidden": "true" },
    h("rect", { class: "track", x: "0", y: "9", width: "100%", height: "2" }),
    zones.map((zone) => h("rect", { class: zone.kind, x: x(zone.from), y: "1", width: width(zone.from, zone.to), height: "18", rx: "2" })),
    marks.map((mark) => h("line", { class: mark.kind, x1: x(mark.at), x2: x(mark.at), y1: "1", y2: "19" })),
    low !== null && high !== null && h("rect", { class: "span", x: x(low), y: "6", width: width(low, high), height: "8", rx: "4" }),
    value !== null && h("circle", { class: "point", cx: x(value), cy: "10", r: "4.5" }));
}

const SHAPES = {
  out_of_limits: "M8 1.8 15 14H1Z M8 6v3.6 M8 11.6v.4",
  within_limits: "M3 8.5 6.6 12 13 4.5",
  undecided: "M3.5 8a4.5 4.5 0 1 1 9 0 4.5 4.5 0 0 1-9 0 M8 5.6V8l1.8 1.2",
  undefined: "M3 8h10",
  stale: "M4 3h8 M4 13h8 M5 3c0 5 6 5 6 10 M11 3c0 5-6 5-6 10",
};

// The sign of a verdict: shape and colour say the same as the word beside it.
export function sign(verdict) {
  return h("svg", { class: "sign", viewBox: "0 0 16 16", width: "14", height: "14", "aria-hidden": "true" },
    h("path", { d: SHAPES[verdict] ?? SHAPES.undefined }));
}
