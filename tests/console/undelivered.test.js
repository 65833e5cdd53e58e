import assert from "node:assert/strict";
import { test } from "node:test";

import { originAndReach } from "../../ticketing/console/row.js";
import { undeliveredOf } from "../../ticketing/console/undelivered.js";

test("the server says which pages did not get through; refused tickets say it without", () => {
  const tickets = [
    { platform: "jira", state: "open" },
    { platform: "slack", state: "rejected" },
  ];
  assert.deepEqual(undeliveredOf({ tickets }), [{ platform: "slack", reason: "rejected" }]);
  const undelivered = [{ platform: "jira", reason: "not_in_time" }];
  assert.deepEqual(undeliveredOf({ tickets, undelivered }), undelivered);
  assert.deepEqual(undeliveredOf({}), []);
});

test("a row says where a fault began and whom it reaches, unless that is obvious", () => {
  const fault = { service: "cart", rootCause: "db", affectedServices: ["cart", "db", "web"] };
  assert.deepEqual(
    originAndReach(fault).map(({ text }) => text),
    ["began in db", "reaches 3 services"],
  );
  assert.deepEqual(
    originAndReach({ service: "cart", rootCause: "cart", affectedServices: ["cart"] }),
    [],
  );
});
