import assert from "node:assert/strict";
import { test } from "node:test";

import { EventParser } from "../../ticketing/console/stream.js";

const STREAM =
  "retry: 2000\n\n" +
  "event: reset\ndata: {}\n\n" +
  ": still here\n\n" +
  'id: 1-7\nevent: incidents\ndata: {"incidents":[{"title":"a: b"}],"removed":["ab-1-1"]}\n\n';
const EVENTS = [
  { name: "reset", data: {} },
  { name: "incidents", data: { incidents: [{ title: "a: b" }], removed: ["ab-1-1"] } },
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
    { name: "message", data: { a: 1 } },
  ]);
});
