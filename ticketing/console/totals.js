// The header's totals: how the records add up.

import { el } from "./dom.js";
import { count, shortCount } from "./format.js";

// Records read and not accounted for yet, or the other way round, as workers commit at their own
// times; 0 when all add up.
export const underWay = ({ records, belowThreshold, counted, deadLetters }) =>
  Math.abs(records - belowThreshold - counted - deadLetters);

// None for somebody who sees some tenants: records are counted over all.
export function totalsRows(totals) {
  if (totals.records === undefined) return [];
  return [
    row("Records", totals.records),
    row("Below", totals.belowThreshold),
    row("Counted", totals.counted),
    row("Dead letters", totals.deadLetters, totals.deadLetters ? "bad" : ""),
    el("div", {}, el("dt", { class: "unseen" }, "Balance"), el("dd", {}, balance(totals))),
  ];
}

function row(name, value, kind = "") {
  const figure = el("dd", { title: count(value) }, shortCount(value));
  return el("div", { class: kind }, el("dt", {}, name), figure);
}

function balance(totals) {
  const missing = underWay(totals);
  if (missing === 0) {
    const title = "Records = below + counted + dead letters";
    return el("span", { class: "sum good", title }, "✓ adds up");
  }
  return el(
    "span",
    { class: "sum", title: "Read and not counted yet" },
    `${count(missing)} under way`,
  );
}
