// Statistics of pages and incidents in words; the server counts, and null is what it has no number
// for.

import { count } from "./format.js";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

export const PERIODS = [
  ["7", "7 days"],
  ["30", "30 days"],
  ["90", "90 days"],
];

// The address of the statistics of the last days.
export function statsPath(days, now = Date.now()) {
  const from = (now / 1000 - Number(days) * DAY).toFixed(0);
  return `api/stats?${new URLSearchParams({ from, bucket: "day" })}`;
}

// A mean time; a dash for the mean of nothing.
export function meanTime(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < MINUTE) return `${Math.round(seconds)} s`;
  if (seconds < HOUR) return `${Math.round(seconds / MINUTE)} min`;
  return seconds < 2 * DAY ? `${(seconds / HOUR).toFixed(1)} h` : `${(seconds / DAY).toFixed(1)} d`;
}

export const ratio = (value) =>
  value === null || value === undefined ? "–" : count(Math.round(value * 10) / 10);

// The figures at the top, as `{name, text, title}`.
export function figuresOf(stats) {
  return [
    {
      name: "Pages per day",
      text: ratio(stats.pagesPerDay),
      title: `${count(stats.pages)} in all`,
    },
    { name: "Anomalies per page", text: ratio(stats.noiseReduction), title: "The noise reduction" },
    {
      name: "Mean time to acknowledge",
      text: meanTime(stats.mttaSeconds),
      title: `Of ${count(stats.acknowledged)} incidents`,
    },
    {
      name: "Mean time to resolve",
      text: meanTime(stats.mttrSeconds),
      title: `Of ${count(stats.resolved)} incidents`,
    },
  ];
}

// The charts over time, as `{title, points}` with a point `{at, value, text}` a bucket.
export function chartsOf({ buckets }) {
  const points = (name, text) =>
    buckets.map((bucket) => ({
      at: Date.parse(bucket.start),
      value: bucket[name] ?? 0,
      text: text(bucket[name]),
    }));
  return [
    { title: "Pages", points: points("pages", (value) => count(value)) },
    { title: "Anomalies per page", points: points("noiseReduction", ratio) },
    { title: "Time to acknowledge", points: points("mttaSeconds", meanTime) },
    { title: "Time to resolve", points: points("mttrSeconds", meanTime) },
  ];
}
