import assert from "node:assert/strict";
import { test } from "node:test";

import { parts } from "../../ticketing/console/moments.js";

test("times in the server's sentences are taken out, to be shown as others are", () => {
  assert.deepEqual(parts("First seen 2026-11-30 20:45:49 UTC, until 2026-11-30T20:47:09.120Z."), [
    { text: "First seen " },
    { at: "2026-11-30T20:45:49Z" },
    { text: ", until " },
    { at: "2026-11-30T20:47:09.120Z" },
    { text: "." },
  ]);
});

test("a text without times stays whole", () => {
  assert.deepEqual(parts("2026-11-30 is a day"), [{ text: "2026-11-30 is a day" }]);
  assert.deepEqual(parts(""), []);
});
