// A request as a waterfall: its calls, each with a bar from its beginning to its end.

import { el, svg } from "./dom.js";
import { count } from "./format.js";

const WIDTH = 100; // The bars' scale, in parts of the request.
const WIDTH_MIN = 0.6; // A call of no time is seen too.
const INDENT_MAX = 8; // Deeper calls would leave no room for the service's name.

// The calls with the place of their bars, in parts of WIDTH; `calls` are the server's hops.
export function placed(calls) {
  if (!calls.length) return [];
  const starts = calls.map((call) => Date.parse(call.at));
  const begin = Math.min(...starts);
  const ends = calls.map((call, index) => starts[index] + call.milliseconds);
  const length = Math.max(...ends) - begin || 1;
  return calls.map((call, index) => {
    const x = Math.min(((starts[index] - begin) / length) * WIDTH, WIDTH - WIDTH_MIN);
    const width = Math.max((call.milliseconds / length) * WIDTH, WIDTH_MIN);
    return { ...call, x, width: Math.min(width, WIDTH - x) };
  });
}

// Of an older release's sample only the way to the failure is known.
export const callsOf = ({ calls, path }) => (calls?.length ? calls : (path ?? []));

export function waterfall(sample) {
  const calls = placed(callsOf(sample));
  if (!calls.length) return null;
  const missing = sample.spans - calls.length;
  return el(
    "div",
    { class: "scrolling", tabindex: "0", role: "group", "aria-label": "Calls of the request" },
    el(
      "table",
      { class: "waterfall" },
      el("thead", { class: "unseen" }, headings("Call", "Took", "When")),
      el("tbody", {}, ...calls.map(row)),
    ),
    missing > 0 && el("p", { class: "faint" }, `${count(missing)} more calls.`),
  );
}

const headings = (...names) =>
  el("tr", {}, ...names.map((name) => el("th", { scope: "col" }, name)));

function row({ service, endpoint, depth = 0, milliseconds, failed, x, width }) {
  const indent = "\u2003".repeat(Math.min(depth, INDENT_MAX));
  const bar = svg("rect", { x, y: 2, width, height: 6, class: failed ? "bar failing" : "bar" });
  const box = { class: "span", viewBox: `0 0 ${WIDTH} 10`, preserveAspectRatio: "none" };
  return el(
    "tr",
    {},
    el(
      "th",
      { scope: "row" },
      `${indent}${depth ? "└ " : ""}`,
      el("b", {}, service),
      el("span", { class: "faint" }, ` ${endpoint}`),
      failed && el("span", { class: "fails" }, " fails"),
    ),
    el("td", { class: "took" }, `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`),
    el("td", {}, svg("svg", { ...box, "aria-hidden": "true" }, bar)),
  );
}
