// A figure over time as bars, with its numbers for those who see none.

import { el, svg } from "./dom.js";
import { dayTime } from "./format.js";

const SIZE = { width: 320, height: 90, base: 84 };

export function trendChart({ title, points }) {
  const most = Math.max(...points.map(({ value }) => value), 0) || 1;
  const pitch = SIZE.width / Math.max(points.length, 1);
  const bars = points.map(({ at, value, text }, index) => {
    const tall = value ? Math.max(2, (value / most) * SIZE.base) : 0;
    const place = { x: (index + 0.1) * pitch, y: SIZE.base - tall, height: tall };
    const label = svg("title", {}, `${dayTime(at)}: ${text}`);
    return svg("rect", { ...place, width: pitch * 0.8, class: "bar" }, label);
  });
  const name = `${title}: ${inWords(points)}`;
  const { width, height, base } = SIZE;
  return el(
    "figure",
    {},
    el("figcaption", {}, title),
    svg(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, class: "chart trend", role: "img", "aria-label": name },
      svg("line", { x1: 0, x2: width, y1: base + 0.5, y2: base + 0.5, class: "axis" }),
      ...bars,
    ),
  );
}

// The chart as a sentence.
export function inWords(points) {
  const counted = points.filter(({ value }) => value > 0);
  if (!counted.length) return "nothing yet";
  const peak = counted.reduce((high, point) => (point.value > high.value ? point : high));
  return `latest ${counted.at(-1).text}; at most ${peak.text}, on ${dayTime(peak.at)}`;
}
