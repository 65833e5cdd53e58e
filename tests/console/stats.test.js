import assert from "node:assert/strict";
import { test } from "node:test";

import { chartsOf, meanTime, ratio, statsPath } from "../../ticketing/console/stats.js";
import { inWords } from "../../ticketing/console/trend.js";

test("the statistics of the last days are asked for by day", () => {
  assert.equal(statsPath("7", 1_000_000_000_000), "api/stats?from=999395200&bucket=day");
});

test("mean times and ratios are read at a glance; of nothing there is none", () => {
  assert.deepEqual([null, 12, 90, 5400, 200_000].map(meanTime), [
    "–",
    "12 s",
    "2 min",
    "1.5 h",
    "2.3 d",
  ]);
  assert.deepEqual([null, 0, 12.34, 1234.5].map(ratio), ["–", "0", "12.3", "1,234.5"]);
});

test("a chart has a point for each bucket, and says its numbers in words", () => {
  const bucket = (day, pages, mttaSeconds) => ({
    start: `2030-01-0${day}T00:00:00.000Z`,
    pages,
    noiseReduction: null,
    mttaSeconds,
    mttrSeconds: null,
  });
  const [pages, noise, seen] = chartsOf({ buckets: [bucket(1, 5, 30), bucket(2, 2, null)] });
  assert.deepEqual(
    pages.points.map(({ value, text }) => [value, text]),
    [
      [5, "5"],
      [2, "2"],
    ],
  );
  assert.match(inWords(pages.points), /^latest 2; at most 5, on 1 Jan/);
  assert.equal(inWords(noise.points), "nothing yet");
  assert.match(inWords(seen.points), /^latest 30 s; at most 30 s/);
});
