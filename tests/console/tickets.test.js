import assert from "node:assert/strict";
import { test } from "node:test";

import { takenBy } from "../../ticketing/console/brief.js";
import { isThrough } from "../../ticketing/console/tickets.js";

test("a ticket is through once people have it before them", () => {
  const states = ["pending", "open", "acknowledged", "rejected", "resolved", "of another release"];
  const through = states.filter((state) => isThrough({ state }));
  assert.deepEqual(through, ["open", "acknowledged", "resolved", "of another release"]);
});

test("whoever acknowledged last has it in hand", () => {
  const timeline = [
    { kind: "acknowledged", by: "kim" },
    { kind: "reopened", by: "" },
    { kind: "acknowledged", by: "ada" },
  ];
  assert.equal(takenBy({ status: "acknowledged", timeline }), "ada");
  assert.equal(takenBy({ status: "open", timeline }), null);
});
