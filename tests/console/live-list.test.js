import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { NO_FILTER } from "../../ticketing/console/filter.js";
import { LiveList } from "../../ticketing/console/live-list.js";
import { makeIncident, titles } from "./incident.js";

let filter;
let abortable;
let requests;
let heard;
let later;
let list;

const listed = () => titles(list.incidents.ordered());
const queryOf = (request) => new URLSearchParams(request.path.split("?")[1]);

beforeEach(() => {
  filter = NO_FILTER;
  abortable = true;
  requests = [];
  later = [];
  heard = { added: [], problems: [] };
  list = new LiveList({
    getPage: (path, signal) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener("abort", () => abortable && reject(signal.reason));
        requests.push({ path, resolve, reject });
      }),
    filter: () => filter,
    later: (run, ms) => later.push({ run, ms }),
    on: {
      change: () => {},
      read: () => {},
      added: (number) => heard.added.push(number),
      success: () => {},
      problem: (error) => heard.problems.push(error.message),
    },
  });
});

async function answer(request, incidents, next = null) {
  request.resolve({ incidents, next });
  await turn();
}

async function loaded(incidents, next = null) {
  list.load();
  await answer(requests.at(-1), incidents, next);
}

test("a page is read, and one more behind it", async () => {
  await loaded([makeIncident(3)], "cursor");
  list.loadMore();
  assert.equal(queryOf(requests[1]).get("cursor"), "cursor");
  await answer(requests[1], [makeIncident(2)]);
  assert.deepEqual(listed(), ["3", "2"]);
});

test("a newer reading takes the place of an older one", async () => {
  list.load();
  filter = { ...NO_FILTER, q: "disk" };
  list.load();
  await answer(requests[1], [makeIncident(2)]);
  await answer(requests[0], [makeIncident(1)]);
  assert.deepEqual(listed(), ["2"]);
  assert.equal(queryOf(requests[1]).get("q"), "disk");
  assert.deepEqual(heard.problems, []);
});

test("a page that was given up too late counts for nothing", async () => {
  abortable = false;
  list.load();
  list.load();
  await answer(requests[1], [makeIncident(2)]);
  await answer(requests[0], [makeIncident(1)]);
  assert.deepEqual(listed(), ["2"]);
});

test("a change that comes while a page is read is not undone by it", async () => {
  list.load();
  list.changed({ incidents: [makeIncident(2)], removed: [makeIncident(1).id] });
  await answer(requests[0], [makeIncident(1)]);
  assert.deepEqual(listed(), ["2"]);
});

test("changes are taken in after a reading that failed, too", async () => {
  list.load();
  list.changed({ incidents: [makeIncident(2)], removed: [] });
  requests[0].reject(new Error("gone"));
  await turn();
  assert.deepEqual([listed(), heard.problems], [["2"], ["gone"]]);
});

test("without a filter but the status, changes need no question", async () => {
  await loaded([makeIncident(1), makeIncident(2)]);
  const resolved = makeIncident(1, { status: "resolved", revision: 2 });
  list.changed({ incidents: [resolved, makeIncident(3)], removed: [makeIncident(2).id] });
  assert.deepEqual(listed(), ["3"]);
  assert.deepEqual([heard.added, requests.length], [[1], 1]);
});

test("with a filter, the server is asked which changed incidents match", async () => {
  filter = { ...NO_FILTER, q: "disk" };
  await loaded([makeIncident(1), makeIncident(2)]);
  const changes = [makeIncident(1, { revision: 2 }), makeIncident(3)];
  list.changed({ incidents: changes, removed: [makeIncident(2).id] });
  assert.deepEqual(listed(), ["1"]);
  const query = queryOf(requests[1]);
  assert.equal(query.get("id"), changes.map(({ id }) => id).join(","));
  assert.deepEqual([query.get("q"), query.get("limit")], ["disk", "2"]);
  await answer(requests[1], [makeIncident(3)]);
  assert.deepEqual([listed(), heard.added], [["3"], [1]]);
});

test("a question outlives the reading of a further page, not of the first one", async () => {
  filter = { ...NO_FILTER, q: "disk" };
  await loaded([makeIncident(2)], "cursor");
  list.changed({ incidents: [makeIncident(3)], removed: [] });
  list.loadMore();
  await answer(requests[1], [makeIncident(3)]);
  await answer(requests[2], [makeIncident(1)]);
  assert.deepEqual(listed(), ["3", "2", "1"]);
  list.changed({ incidents: [makeIncident(4)], removed: [] });
  list.load();
  await answer(requests[4], [makeIncident(2)]);
  await answer(requests[3], [makeIncident(4)]);
  assert.deepEqual(listed(), ["2"]);
});

test("rows that appear after the first page are news", async () => {
  await loaded([makeIncident(1)]);
  assert.equal(list.announceNew, false);
  list.changed({ incidents: [makeIncident(2)], removed: [] });
  assert.equal(list.announceNew, true);
  await loaded([makeIncident(1)]);
  assert.equal(list.announceNew, false);
});

const away = Object.assign(new Error("away"), { temporary: true, retryMs: null });

test("a reading that failed is repeated until one succeeds", async () => {
  list.load();
  requests[0].reject(away);
  await turn();
  assert.deepEqual([heard.problems, later.length, requests.length], [["away"], 1, 1]);
  later[0].run();
  requests[1].reject({ ...away, message: "rebuilding", temporary: true, retryMs: 7000 });
  await turn();
  assert.equal(later[1].ms, 7000);
  later[1].run();
  await answer(requests[2], [makeIncident(1)]);
  assert.deepEqual(listed(), ["1"]);
  later[1].run();
  assert.equal(requests.length, 3);
});

test("a refusal for good is not repeated", async () => {
  list.load();
  requests[0].reject(Object.assign(new Error("no"), { temporary: false }));
  await turn();
  assert.equal(later.length, 0);
});

test("a further page waits for the one that is being read, and needs a cursor", async () => {
  list.load();
  list.loadMore();
  assert.equal(requests.length, 1);
  await answer(requests[0], [makeIncident(1)]);
  list.loadMore();
  assert.equal(requests.length, 1);
});

test("what is listed is read anew as a whole, so that the reader stays at a place", async () => {
  await loaded(
    Array.from({ length: 140 }, (_, number) => makeIncident(number)),
    "cursor",
  );
  list.refresh();
  assert.equal(queryOf(requests[1]).get("limit"), "140");
});
