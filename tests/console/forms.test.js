import assert from "node:assert/strict";
import { test } from "node:test";

import { alertsToTake } from "../../ticketing/console/alerts.js";
import { mergeTargets, people, snoozeUntil, submitted } from "../../ticketing/console/forms.js";
import { makeIncident } from "./incident.js";

const alerts = (...names) => names.map((fingerprint) => ({ fingerprint }));

test("people are named with commas between, nobody by an empty field", () => {
  assert.deepEqual(people(" ada, kim ,,"), ["ada", "kim"]);
  assert.deepEqual(people("  "), []);
});

test("a snooze ends so many hours from now", () => {
  assert.equal(snoozeUntil("4", Date.UTC(2030, 0, 1)), "2030-01-01T04:00:00.000Z");
});

test("an empty field sends nothing", () => {
  const taken = [];
  const event = { preventDefault: () => {} };
  submitted({ value: "  " }, (text) => taken.push(text))(event);
  submitted({ value: " x " }, (text) => taken.push(text))(event);
  assert.deepEqual(taken, ["x"]);
});

test("a split or a move takes the chosen alerts that are still here, or the only one", () => {
  const two = makeIncident(1, { alerts: alerts("a", "b") });
  assert.deepEqual(alertsToTake(two, new Set(["b", "gone"])), ["b"]);
  assert.deepEqual(alertsToTake(two, new Set()), []);
  const one = makeIncident(1, { alerts: alerts("a") });
  assert.deepEqual(alertsToTake(one, new Set()), ["a"]);
  assert.deepEqual(alertsToTake(makeIncident(), new Set()), []);
});

test("a merge offers the linked incidents", () => {
  const links = [{ id: "a", service: "db", title: "full" }, { id: null }];
  assert.deepEqual(mergeTargets({ links }), [{ id: "a", text: "db: full" }]);
});
