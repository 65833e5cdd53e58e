import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ago,
  capital,
  count,
  duration,
  fullTime,
  harmless,
  percent,
  shortCount,
} from "../../ticketing/console/format.js";

test("counts have thousands, and are shortened from five digits on", () => {
  assert.equal(count(1234567), "1,234,567");
  assert.equal(shortCount(0), "0");
  assert.equal(shortCount(9999), "9,999");
  assert.equal(shortCount(10_000), "10K");
  assert.equal(shortCount(12_345), "12.3K");
  assert.equal(shortCount(2_500_000), "2.5M");
});

test("ages go from seconds to days", () => {
  const now = Date.parse("2030-03-17T12:00:00Z");
  const before = (seconds) => ago(new Date(now - seconds * 1000).toISOString(), now);
  const expected = {
    0: "now",
    4: "now",
    5: "5s ago",
    59: "59s ago",
    60: "1m ago",
    3599: "59m ago",
    3600: "1h ago",
    86399: "23h ago",
    86400: "1d ago",
    864000: "10d ago",
  };
  for (const [seconds, text] of Object.entries(expected)) assert.equal(before(seconds), text);
});

test("a clock that runs ahead a little is now, one far ahead shows the time", () => {
  const now = Date.parse("2030-03-17T12:00:00Z");
  assert.equal(ago("2030-03-17T12:00:59Z", now), "now");
  const far = "2030-03-17T12:01:00Z";
  assert.equal(ago(far, now), fullTime(far));
});

test("words, shares and lengths of time read well", () => {
  assert.equal(capital("severity_raised"), "Severity raised");
  assert.equal(capital(""), "");
  assert.equal(percent(0.666), "67 %");
  assert.equal(duration(900), "15 min");
  assert.equal(duration(30), "30 s");
});

test("marks that turn the direction of writing are shown, not obeyed", () => {
  assert.equal(harmless("abc\u202edef\u2066x"), "abc\ufffddef\ufffdx");
  assert.equal(harmless("עברית"), "עברית");
});
