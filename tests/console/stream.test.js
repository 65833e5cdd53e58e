import assert from "node:assert/strict";
import { test } from "node:test";

import { afterFailure, EventParser } from "../../ticketing/console/stream.js";

const STREAM =
  "retry: 2000\n\n" +
  "event: reset\ndata: {}\n\n" +
  ": still here\n\n" +
  'id: 1-7\nevent: incidents\ndata: {"incidents":[{"title":"a: b"}],"removed":["ab-1-1"]}\n\n';
const EVENTS = [
  { name: "reset", data: {}, id: null },
  {
    name: "incidents",
    data: { incidents: [{ title: "a: b" }], removed: ["ab-1-1"] },
    id: "1-7",
  },
];

test("events are read, comments and settings are passed over", () => {
  assert.deepEqual(new EventParser().feed(STREAM), EVENTS);
});

test("pieces may end anywhere", () => {
  for (let at = 0; at <= STREAM.length; at += 1) {
    const parser = new EventParser();
    const found = [...parser.feed(STREAM.slice(0, at)), ...parser.feed(STREAM.slice(at))];
    assert.deepEqual(found, EVENTS, `cut at ${at}`);
  }
});

test("an unfinished event waits", () => {
  const parser = new EventParser();
  assert.deepEqual(parser.feed("event: reset\ndata: {}"), []);
  assert.deepEqual(parser.feed("\n\n"), [EVENTS[0]]);
});

test("an event without a name is a message, and its lines are one text", () => {
  assert.deepEqual(new EventParser().feed('data: {"a":\ndata: 1}\n\n'), [
    { name: "message", data: { a: 1 }, id: null },
  ]);
});

test("a server without a stream to spare is asked as often as it wishes", () => {
  assert.deepEqual(afterFailure({ status: 503, retryMs: 30_000 }, 1000), {
    state: "polling",
    wait: 30_000,
  });
  assert.deepEqual(afterFailure({ status: 503, retryMs: null }, 1000).wait, 10_000);
  assert.deepEqual(afterFailure({ status: 401 }, 1000), { state: "locked", wait: 1000 });
  assert.deepEqual(afterFailure({ status: 0 }, 4000), { state: "waiting", wait: 4000 });
  assert.deepEqual(afterFailure(undefined, 1000), { state: "waiting", wait: 1000 });
});
