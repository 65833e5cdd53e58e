// Parts that the sections of an incident's pane are made of.

import { el } from "./dom.js";

export function section(title, ...children) {
  return el("section", {}, el("h3", {}, title), ...children);
}

// Names and values; a pair without a value is left out.
export function facts(pairs, kind = "facts") {
  const shown = pairs.filter(([, value]) => value);
  const rows = shown.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)));
  return el("dl", { class: kind }, ...rows);
}

// A part that opens and closes; `name` keeps it open when the pane is drawn again.
export function folded(name, title, ...children) {
  const summary = el("summary", { "data-keep": name }, title);
  return el("details", { "data-name": name }, summary, ...children);
}

export const list = (kind, items) => items.length > 0 && el("ol", { class: kind }, ...items);

// A table of rows; the cells are texts or nodes. One that is too wide scrolls, by the keyboard too.
export function table(heads, rows) {
  const head = el("tr", {}, ...heads.map((name) => el("th", { scope: "col" }, name)));
  const body = rows.map((cells) => el("tr", {}, ...cells.map((cell) => el("td", {}, cell ?? ""))));
  const whole = el("table", {}, el("thead", {}, head), el("tbody", {}, ...body));
  const label = `Table: ${heads.join(", ")}`;
  return el("div", { class: "wide", role: "group", tabindex: "0", "aria-label": label }, whole);
}
