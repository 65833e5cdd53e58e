// Counts by window as pictures: the sparkline of a row, the bar chart of an incident.

import { el, svg } from "./dom.js";
import { clockTime, count, dayTime, duration } from "./format.js";

const DAY_MS = 86_400_000;

const SPARK = { slots: 16, pitch: 5, width: 80, height: 22 };

// The first hour of an alert, a slot a minute.
const MINUTES = { slots: 60, width: 480, height: 40, base: 38 };
const MINUTE_SECONDS = 60;

// 96 slots: a day of windows of 15 minutes, the default length.
const CHART = { slots: 96, width: 640, height: 132, base: 108, top: 15, slotMax: 40 };
const LABEL_WIDTH = 110;

// Slots of equal length from the first window to the last, empty ones included, `most` at most.
export function slots(windows, seconds, most) {
  if (!windows.length) return [];
  const length = seconds * 1000;
  const counts = new Map(windows.map((window) => [Date.parse(window.start), window.count]));
  const starts = [...counts.keys()];
  const last = Math.max(...starts);
  const first = Math.max(Math.min(...starts), last - (most - 1) * length);
  const found = [];
  for (let at = first; at <= last; at += length) found.push({ at, count: counts.get(at) || 0 });
  return found;
}

const highest = (found) => Math.max(1, ...found.map((slot) => slot.count));

export function sparkline(windows, seconds) {
  const { width, height, pitch } = SPARK;
  const found = slots(windows, seconds, SPARK.slots);
  const most = highest(found);
  const empty = Array(SPARK.slots - found.length).fill({ count: 0 });
  const bars = [...empty, ...found].map((slot, index) => {
    const tall = slot.count ? Math.max(3, (slot.count / most) * (height - 1)) : 1;
    const place = { x: index * pitch, y: height - tall, width: pitch - 1, height: tall, rx: 1 };
    return svg("rect", { ...place, class: slot.count ? "bar" : "bar none" });
  });
  const viewBox = `0 0 ${width} ${height}`;
  return svg("svg", { class: "spark", viewBox, width, height, "aria-hidden": "true" }, ...bars);
}

// The finest counts that tell of every anomaly: the minutes of the alerts in their first hour, else
// the windows, as `{windows, seconds}`.
export function finestCounts({ alerts = [], counts }, windowSeconds) {
  const minutes = new Map();
  for (const { start, count: found } of alerts.flatMap((alert) => alert.minutes ?? [])) {
    minutes.set(start, (minutes.get(start) ?? 0) + found);
  }
  const windows = [...minutes].map(([start, found]) => ({ start, count: found }));
  const told = windows.reduce((sum, window) => sum + window.count, 0);
  const starts = windows.map(({ start }) => Date.parse(start));
  const length = (Math.max(...starts) - Math.min(...starts)) / 1000 / MINUTE_SECONDS;
  if (told && told === counts.total && length < CHART.slots) {
    return { windows, seconds: MINUTE_SECONDS };
  }
  return { windows: counts.windows, seconds: windowSeconds };
}

export function barChart(windows, seconds) {
  const found = slots(windows, seconds, CHART.slots);
  if (!found.length) return el("p", { class: "faint" }, "No counts yet.");
  const most = highest(found);
  const pitch = Math.min(CHART.width / found.length, CHART.slotMax);
  return svg(
    "svg",
    { class: "chart", viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: "img" },
    ...frame(most, duration(seconds)),
    ...found.map((slot, index) => bar(slot, index, most, pitch)),
    ...timeLabels(found, pitch),
  );
}

// The counts of an alert's first hour; nothing where none is known.
export function minuteChart(minutes) {
  const found = slots(minutes ?? [], MINUTE_SECONDS, MINUTES.slots);
  if (!found.length) return null;
  const { width, height, base } = MINUTES;
  const most = highest(found);
  const pitch = width / MINUTES.slots;
  const bars = found.map((slot, index) => {
    const tall = slot.count ? Math.max(2, (slot.count / most) * base) : 0;
    const place = { x: (index + 0.08) * pitch, y: base - tall, width: pitch * 0.84, height: tall };
    const label = `${clockTime(slot.at)}: ${count(slot.count)}`;
    return svg("rect", { ...place, class: "bar" }, svg("title", {}, label));
  });
  return svg(
    "svg",
    { class: "minutes", viewBox: `0 0 ${width} ${height}`, role: "img" },
    svg("title", {}, minutesInWords(found)),
    svg("line", { x1: 0, x2: width, y1: base + 0.5, y2: base + 0.5, class: "axis" }),
    ...bars,
  );
}

// The chart of minutes as a sentence.
export function minutesInWords(found) {
  const total = found.reduce((sum, slot) => sum + slot.count, 0);
  const peak = found.reduce((high, slot) => (slot.count > high.count ? slot : high));
  const length = found.length === 1 ? "one minute" : `${found.length} minutes`;
  const at = clockTime(peak.at);
  return `By minute: ${count(total)} in ${length}; at most ${count(peak.count)}, at ${at}`;
}

function frame(most, length) {
  const { width, base, top } = CHART;
  const line = { x1: 0, x2: width };
  return [
    svg("title", {}, `Anomalies in windows of ${length}; at most ${count(most)} in one`),
    svg("line", { ...line, y1: base + 0.5, y2: base + 0.5, class: "axis" }),
    svg("line", { ...line, y1: top - 0.5, y2: top - 0.5, class: "grid" }),
    svg(
      "text",
      { x: width, y: top - 5, class: "label", "text-anchor": "end" },
      `${count(most)} per ${length}`,
    ),
  ];
}

function bar(slot, index, most, pitch) {
  const height = slot.count ? Math.max(2, (slot.count / most) * (CHART.base - CHART.top)) : 0;
  const attributes = {
    x: (index + 0.08) * pitch,
    y: CHART.base - height,
    width: pitch * 0.84,
    height,
    rx: Math.min(3, pitch / 5),
    class: "bar",
  };
  return svg("rect", attributes, svg("title", {}, `${dayTime(slot.at)}: ${count(slot.count)}`));
}

function timeLabels(found, pitch) {
  const text = found.at(-1).at - found[0].at > DAY_MS ? dayTime : clockTime;
  return labelPlaces(found.length, pitch).map(({ index, x, anchor }) => {
    const attributes = { x, y: CHART.height - 8, class: "label", "text-anchor": anchor };
    return svg("text", attributes, text(found[index].at));
  });
}

// The slots that are labelled, evenly spread: the first begins at its edge, the last ends there.
export function labelPlaces(length, pitch) {
  const fitting = Math.floor((length * pitch) / LABEL_WIDTH);
  const labels = Math.min(length, Math.max(2, fitting));
  const fillsWidth = length * pitch > CHART.width - 20;
  return Array.from({ length: labels }, (_, label) => {
    if (label === 0) return { index: 0, x: 0, anchor: "start" };
    const index = Math.round((label * (length - 1)) / (labels - 1));
    if (label === labels - 1 && fillsWidth) return { index, x: CHART.width, anchor: "end" };
    return { index, x: (index + 0.5) * pitch, anchor: "middle" };
  });
}
