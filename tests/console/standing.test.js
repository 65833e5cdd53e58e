import assert from "node:assert/strict";
import { test } from "node:test";

import { isSnoozed, remarks, stillFiring, waitNote } from "../../ticketing/console/standing.js";
import { makeIncident } from "./incident.js";

const of = (fields) => makeIncident(1, fields);

test("the list says why an incident waits, as long as it does", () => {
  assert.equal(waitNote(of({ waitingFor: { occurrences: 1200 } })), "waits for 1,200");
  assert.equal(waitNote(of({ sporadic: true })), "sporadic: no more often than before");
  assert.equal(waitNote(of({ collectiveId: "a-b" })), "in a collective incident");
  assert.equal(waitNote(of({ collectiveId: "a-b", ticketed: true })), null);
  assert.equal(waitNote(of({ collectiveId: "a-b", status: "resolved" })), null);
  assert.equal(waitNote(of({})), null);
});

test("a snooze that is over is none", () => {
  const snoozedUntil = "2030-01-01T00:00:00.000Z";
  assert.ok(isSnoozed({ snoozedUntil }, Date.UTC(2029, 11, 31)));
  assert.ok(!isSnoozed({ snoozedUntil }, Date.UTC(2030, 0, 1)));
  assert.ok(!isSnoozed({ snoozedUntil: null }));
});

test("remarks name what is unusual, and nothing else", () => {
  assert.deepEqual(remarks(of({})), []);
  assert.deepEqual(remarks(of({ kind: undefined, alertsTotal: undefined })), []);
  const unusual = {
    kind: "of_a_newer_release",
    alertsTotal: 3,
    flapping: true,
    quietly: true,
    mergedInto: "a-b",
    snoozedUntil: "2030-01-01T00:00:00.000Z",
    ticketed: true,
  };
  assert.deepEqual(
    remarks(of(unusual), Date.UTC(2029, 0, 1)).map(({ text }) => text),
    ["of a newer release", "3 alerts", "flapping", "snoozed", "without a page", "merged"],
  );
});

test("a remark about another incident leads there", () => {
  const ids = (fields) => remarks(of(fields)).map(({ id }) => id);
  assert.deepEqual(ids({ mergedInto: "m-m", ticketed: true }), ["m-m"]);
  assert.deepEqual(ids({ previous: "p-p", ticketed: true }), ["p-p"]);
  assert.deepEqual(ids({ collectiveId: "c-c" }), ["c-c"]);
});

test("a resolution that does not end the alerts is told", () => {
  const text = "An alert still fires: the next record reopens it.";
  assert.equal(stillFiring({ alertsFiring: 1 }, "resolved"), text);
  assert.match(stillFiring({ alertsFiring: 3 }, "resolved"), /^3 alerts fire/);
  assert.equal(stillFiring({ alertsFiring: 1 }, "open"), null);
  assert.equal(stillFiring({ alertsFiring: 0 }, "resolved"), null);
});
