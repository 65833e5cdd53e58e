import assert from "node:assert/strict";
import { test } from "node:test";

import {
  finestCounts,
  labelPlaces,
  minutesInWords,
  slots,
} from "../../ticketing/console/charts.js";

const window = (minutes, count) => ({
  start: new Date(Date.UTC(2030, 0, 1) + minutes * 60_000).toISOString(),
  count,
});
const counts = (found) => found.map((slot) => slot.count);

test("windows without anomalies are slots of zero", () => {
  const windows = [window(0, 4), window(45, 2), window(15, 1)];
  assert.deepEqual(counts(slots(windows, 900, 96)), [4, 1, 0, 2]);
});

test("the latest slots are kept where there are too many", () => {
  const windows = [window(0, 4), window(15, 1), window(45, 2)];
  assert.deepEqual(counts(slots(windows, 900, 2)), [0, 2]);
  const apart = [window(0, 1), window(60 * 24 * 365, 2)];
  assert.equal(slots(apart, 900, 96).length, 96);
});

test("no window, no slot", () => {
  assert.deepEqual(slots([], 900, 96), []);
});

test("labels begin at the first slot and end at the last", () => {
  assert.deepEqual(labelPlaces(1, 40), [{ index: 0, x: 0, anchor: "start" }]);
  const full = labelPlaces(96, 640 / 96);
  assert.deepEqual(full[0], { index: 0, x: 0, anchor: "start" });
  assert.deepEqual(full.at(-1), { index: 95, x: 640, anchor: "end" });
  assert.deepEqual(
    full.slice(1, -1).map((place) => place.anchor),
    ["middle", "middle", "middle"],
  );
});

test("the last label of a short chart stands under its bar", () => {
  assert.deepEqual(labelPlaces(3, 40).at(-1), { index: 2, x: 100, anchor: "middle" });
});

test("the minutes of an alert are a sentence for those who can't see the chart", () => {
  const found = slots([window(0, 4), window(2, 1200), window(3, 1)], 60, 60);
  assert.match(
    minutesInWords(found),
    /^By minute: 1,205 in 4 minutes; at most 1,200, at \d\d:\d\d$/,
  );
  assert.match(minutesInWords(found.slice(0, 1)), /^By minute: 4 in one minute; at most 4/);
});

test("the first hour is counted by the minute, all alerts together", () => {
  const alerts = [
    { minutes: [window(0, 4), window(1, 2)] },
    { minutes: [window(1, 3)] },
    { minutes: undefined },
  ];
  const incident = { alerts, counts: { total: 9, windows: [window(0, 9)] } };
  const { windows, seconds } = finestCounts(incident, 900);
  assert.equal(seconds, 60);
  assert.deepEqual(windows, [window(0, 4), window(1, 5)]);
});

test("minutes that do not tell of every anomaly give way to the windows", () => {
  const counts = { total: 10, windows: [window(0, 10)] };
  const alerts = [{ minutes: [window(0, 4)] }];
  assert.deepEqual(finestCounts({ alerts, counts }, 900), {
    windows: counts.windows,
    seconds: 900,
  });
  const far = [{ minutes: [window(0, 4)] }, { minutes: [window(300, 6)] }];
  assert.equal(finestCounts({ alerts: far, counts }, 900).seconds, 900);
});
