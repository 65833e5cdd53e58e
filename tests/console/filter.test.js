import assert from "node:assert/strict";
import { test } from "node:test";

import {
  hasChosenStatus,
  isDefault,
  isNarrowed,
  listPath,
  NO_FILTER,
  nearestSeverity,
  STATUS_CHOICES,
  statusCounts,
  withSeverityToggled,
} from "../../ticketing/console/filter.js";
import { makeIncident } from "./incident.js";

const query = (filter, page = { limit: 100 }, now = 0) => {
  const path = listPath({ ...NO_FILTER, ...filter }, page, now);
  const [place, text] = path.split("?");
  assert.equal(place, "api/incidents");
  return Object.fromEntries(new URLSearchParams(text));
};

test("the default filter asks for what is not resolved", () => {
  assert.deepEqual(query({}), { limit: "100", status: "open,acknowledged,escalated" });
  assert.deepEqual(query({ status: "" }), { limit: "100" });
  assert.deepEqual(query({ status: "resolved" }), { limit: "100", status: "resolved" });
});

test("values of another release are treated like the server treats them", () => {
  const newer = makeIncident(1, { status: "of_a_newer_release", severity: "of_a_newer_release" });
  assert.equal(hasChosenStatus(NO_FILTER, newer), true);
  assert.equal(hasChosenStatus({ ...NO_FILTER, status: "open" }, newer), true);
  assert.equal(hasChosenStatus({ ...NO_FILTER, status: "resolved" }, newer), false);
  assert.equal(nearestSeverity(newer.severity), "critical");
  assert.equal(nearestSeverity("low"), "low");
});

test("every part of the filter reaches the server as it was typed", () => {
  const filter = {
    status: "",
    severities: ["critical", "high"],
    q: "a&b=c #1",
    service: "check out",
    since: "900",
  };
  assert.deepEqual(query(filter, { limit: 100, cursor: "next=" }, 1_900_000_900_400), {
    limit: "100",
    severity: "critical,high",
    service: "check out",
    q: "a&b=c #1",
    from: "1900000000",
    cursor: "next=",
  });
});

test("incidents can be asked for by id", () => {
  assert.equal(query({}, { limit: 2, ids: ["ab-1-1", "cd-1-2"] }).id, "ab-1-1,cd-1-2");
});

test("a filter is narrowed by anything but its status", () => {
  assert.equal(isNarrowed(NO_FILTER), false);
  assert.equal(isNarrowed({ ...NO_FILTER, status: "resolved" }), false);
  for (const change of [{ q: "x" }, { service: "x" }, { since: "900" }, { severities: ["low"] }]) {
    assert.equal(isNarrowed({ ...NO_FILTER, ...change }), true);
    assert.equal(isDefault({ ...NO_FILTER, ...change }), false);
  }
  assert.equal(isDefault({ ...NO_FILTER, status: "resolved" }), false);
  assert.equal(isDefault(NO_FILTER), true);
});

test("severities are toggled one by one", () => {
  const high = withSeverityToggled(NO_FILTER, "high");
  const both = withSeverityToggled(high, "critical");
  assert.deepEqual(both.severities, ["critical", "high"]);
  assert.deepEqual(withSeverityToggled(both, "high").severities, ["critical"]);
  assert.deepEqual(NO_FILTER.severities, []);
});

test("the chosen status lets in what has it", () => {
  const acknowledged = makeIncident(1, { status: "acknowledged" });
  const fits = (status) => hasChosenStatus({ ...NO_FILTER, status }, acknowledged);
  assert.deepEqual(
    STATUS_CHOICES.map(([status]) => [status, fits(status)]),
    [
      ["active", true],
      ["open", false],
      ["acknowledged", true],
      ["escalated", false],
      ["resolved", false],
      ["", true],
    ],
  );
});

test("every status choice has its count", () => {
  const byStatus = { open: 3, acknowledged: 2, escalated: 1, resolved: 40 };
  const active = { critical: 1, high: 2, medium: 3, low: 0 };
  const counts = statusCounts({ incidents: 46, byStatus, active });
  assert.deepEqual(counts, { ...byStatus, active: 6, "": 46 });
  for (const [status] of STATUS_CHOICES) assert.equal(typeof counts[status], "number");
});
