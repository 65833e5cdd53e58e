import assert from "node:assert/strict";
import { test } from "node:test";

import { isOfPeople, withGaps } from "../../ticketing/console/timeline.js";

const step = (seq) => ({ seq, kind: "comment", at: "2030-01-01T00:00:00Z", text: `step ${seq}` });
const texts = (timeline) => withGaps(timeline).map((entry) => entry.text);

test("a timeline without gaps stays as it is", () => {
  const timeline = [step(1), step(2)];
  assert.deepEqual(withGaps(timeline), timeline);
  assert.deepEqual(withGaps([]), []);
});

test("dropped steps are counted where they were", () => {
  assert.deepEqual(texts([step(1), step(4), step(5), step(7)]), [
    "step 1",
    "2 earlier steps were dropped",
    "step 4",
    "step 5",
    "1 earlier step was dropped",
    "step 7",
  ]);
});

test("steps of people are told from those of the program", () => {
  assert.ok(isOfPeople({ kind: "acknowledged", by: "ada" }));
  assert.ok(isOfPeople({ kind: "resolved", by: "pagerduty" }));
  assert.ok(!isOfPeople({ kind: "resolved", by: "policy" }));
  assert.ok(!isOfPeople({ kind: "receipt", by: "jira" }));
  assert.ok(!isOfPeople({ kind: "opened", by: "" }));
});
