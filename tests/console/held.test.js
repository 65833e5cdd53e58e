import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Held } from "../../ticketing/console/held.js";
import { heldInWords } from "../../ticketing/console/undo.js";
import { makeIncident } from "./incident.js";

let timers;
let sent;
let held;

beforeEach(() => {
  timers = new Map();
  sent = [];
  held = new Held({
    newestOf: (id) => ({ ...makeIncident(1), id }),
    on: { change: () => {}, send: (ids, name) => sent.push([name, ...ids]) },
    later: (run) => timers.set(run, run).size,
    never: () => timers.clear(),
  });
});

const timeOut = () => [...timers.values()].at(-1)();

test("a command is sent when nobody has taken it back in time", () => {
  held.hold(["a"], "resolve", {});
  assert.deepEqual([held.pendingOf("a"), sent], [{ status: "resolved" }, []]);
  timeOut();
  assert.deepEqual([held.pendingOf("a"), sent], [undefined, [["resolve", "a"]]]);
});

test("one that was taken back is never sent", () => {
  held.hold(["a", "b"], "resolve", {});
  assert.deepEqual(held.undo().ids, ["a", "b"]);
  assert.equal(timers.size, 0);
  held.flush();
  assert.deepEqual([sent, held.undo(), held.pendingOf("a")], [[], null, undefined]);
});

test("the next command sends the one before", () => {
  held.hold(["a"], "resolve", {});
  held.hold(["b"], "acknowledge", {});
  assert.deepEqual(sent, [["resolve", "a"]]);
  assert.equal(held.pendingOf("a"), undefined);
});

test("what is held is named", () => {
  assert.equal(heldInWords({ ids: ["a"], name: "resolve" }, "disk full"), "Resolve: disk full");
  assert.equal(heldInWords({ ids: ["a", "b"], name: "resolve" }, ""), "Resolve: 2 incidents");
});
