import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Incidents, newestFirst } from "../../ticketing/console/incidents.js";
import { makeIncident, titles } from "./incident.js";

let incidents;
const listed = () => titles(incidents.ordered());

beforeEach(() => {
  incidents = new Incidents();
});

test("the newest comes first, and of the same moment the higher id", () => {
  const at = { createdAt: "2030-01-01T00:00:00.000Z" };
  incidents.append({
    incidents: [makeIncident(1), makeIncident(3), makeIncident(4, at), makeIncident(5, at)],
    next: null,
  });
  assert.deepEqual(listed(), ["3", "1", "5", "4"]);
  assert.equal(newestFirst(makeIncident(1), makeIncident(1)), 0);
});

test("a first page takes the place of the list, a further page joins it", () => {
  incidents.replace({ incidents: [makeIncident(3)], next: "a" });
  incidents.append({ incidents: [makeIncident(2)], next: "b" });
  assert.deepEqual(listed(), ["3", "2"]);
  assert.equal(incidents.next, "b");
  incidents.replace({ incidents: [makeIncident(4)], next: null });
  assert.deepEqual(listed(), ["4"]);
  assert.equal(incidents.next, null);
});

test("an older revision never replaces a newer one", () => {
  incidents.merge([makeIncident(1, { revision: 5, title: "new" })]);
  incidents.merge([makeIncident(1, { revision: 4, title: "old" })]);
  assert.deepEqual(listed(), ["new"]);
  incidents.merge([makeIncident(1, { revision: 6, title: "newest" })]);
  assert.deepEqual(listed(), ["newest"]);
});

test("new incidents are counted, changed ones are not", () => {
  incidents.append({ incidents: [makeIncident(1)], next: null });
  assert.equal(incidents.merge([makeIncident(1, { revision: 2 }), makeIncident(2)]), 1);
});

test("an incident older than the last row waits for its own page", () => {
  incidents.append({ incidents: [makeIncident(5), makeIncident(4)], next: "cursor" });
  assert.equal(incidents.merge([makeIncident(3), makeIncident(6)]), 1);
  assert.deepEqual(listed(), ["6", "5", "4"]);
  incidents.merge([makeIncident(4, { revision: 2, title: "changed" })]);
  assert.deepEqual(listed(), ["6", "5", "changed"]);
});

test("after the last page every incident is taken in", () => {
  incidents.append({ incidents: [makeIncident(5)], next: null });
  incidents.merge([makeIncident(3)]);
  assert.deepEqual(listed(), ["5", "3"]);
});

test("removed incidents are gone, unknown ones do no harm", () => {
  incidents.append({ incidents: [makeIncident(1), makeIncident(2)], next: null });
  incidents.remove([makeIncident(1).id, makeIncident(9).id]);
  assert.deepEqual(listed(), ["2"]);
});
