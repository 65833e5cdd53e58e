import assert from "node:assert/strict";
import { test } from "node:test";

import { CHOSEN_MAX, Chosen, commonActions } from "../../ticketing/console/chosen.js";
import { makeIncident } from "./incident.js";

test("incidents are chosen one by one or all at once, as many as the server takes", () => {
  const chosen = new Chosen(() => {});
  chosen.toggle("a");
  chosen.toggle("b");
  chosen.toggle("a");
  assert.deepEqual([...chosen.ids], ["b"]);
  chosen.all(Array.from({ length: CHOSEN_MAX + 1 }, (_, number) => String(number)));
  assert.equal(chosen.ids.size, CHOSEN_MAX);
  chosen.toggle("one more");
  assert.equal(chosen.has("one more"), false);
});

test("what left the list is not acted on", () => {
  const chosen = new Chosen(() => {});
  chosen.all([makeIncident(1).id, makeIncident(2).id]);
  assert.deepEqual(
    chosen.of([makeIncident(2), makeIncident(3)]).map(({ id }) => id),
    [makeIncident(2).id],
  );
});

test("an action goes to those incidents that allow it", () => {
  const actions = [{ name: "resolve", leadsTo: "resolved", needs: null }];
  const found = commonActions([makeIncident(1), makeIncident(2, { actions })]);
  assert.deepEqual(
    found.map(({ name, key, ids }) => [name, key, ids.length]),
    [
      ["acknowledge", "a", 1],
      ["resolve", "r", 2],
    ],
  );
});
