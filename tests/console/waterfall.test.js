import assert from "node:assert/strict";
import { test } from "node:test";

import { callsOf, placed } from "../../ticketing/console/waterfall.js";

const call = (second, milliseconds) => ({
  service: "s",
  at: `2030-03-17T17:46:${String(second).padStart(2, "0")}.000Z`,
  milliseconds,
});

test("bars stand where their calls were in the request", () => {
  const [outer, inner] = placed([call(0, 4000), call(1, 2000)]);
  assert.deepEqual([outer.x, outer.width], [0, 100]);
  assert.deepEqual([inner.x, inner.width], [25, 50]);
});

test("a call that takes no time is seen, and no bar leaves the picture", () => {
  const bars = placed([call(0, 1000), call(1, 0)]);
  assert.ok(bars[1].width > 0);
  for (const { x, width } of bars) assert.ok(x >= 0 && x + width <= 100);
  assert.deepEqual(placed([]), []);
  assert.ok(placed([call(0, 0)])[0].width > 0);
});

test("of an older release's sample the way to the failure is shown", () => {
  assert.deepEqual(callsOf({ path: ["hop"] }), ["hop"]);
  assert.deepEqual(callsOf({ path: ["hop"], calls: ["call"] }), ["call"]);
});
