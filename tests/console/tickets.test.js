import assert from "node:assert/strict";
import { test } from "node:test";

import { takenBy } from "../../ticketing/console/brief.js";
import { isThrough, undelivered } from "../../ticketing/console/tickets.js";

const names = (incident) => undelivered(incident).map(({ platform }) => platform);

test("a ticket that is refused, fails, or never came did not get through", () => {
  const tickets = [
    { platform: "pagerduty", state: "rejected", error: "no such key" },
    { platform: "jira", state: "pending", error: "not delivered yet: timeout" },
    { platform: "slack", state: "pending", error: "" },
    { platform: "zammad", state: "open", error: "a field was refused" },
  ];
  const failures = [{ platform: "opsgenie", text: "did not take it within 60 s" }];
  assert.deepEqual(names({ tickets, failures }), ["pagerduty", "jira", "opsgenie"]);
  assert.deepEqual(tickets.filter(isThrough), [tickets[3]]);
});

test("a platform that took it after all did get through", () => {
  const tickets = [{ platform: "slack", state: "open", error: "" }];
  assert.deepEqual(names({ tickets, failures: [{ platform: "slack", text: "late" }] }), []);
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
