import assert from "node:assert/strict";
import { test } from "node:test";

import { ACTION_KEYS } from "../../ticketing/console/actions.js";
import { requestOf } from "../../ticketing/console/keyboard.js";

test("keys move, search, help, comment and act", () => {
  assert.deepEqual(requestOf("j", false), { name: "step", distance: 1 });
  assert.deepEqual(requestOf("ArrowUp", false), { name: "step", distance: -1 });
  assert.deepEqual(requestOf("/", false), { name: "search" });
  assert.deepEqual(requestOf("a", false), { name: "act", key: "a" });
  assert.deepEqual(requestOf("x", false), { name: "pick" });
  assert.deepEqual(requestOf("u", false), { name: "undo" });
});

test("no action's key is taken by something else", () => {
  for (const key of Object.values(ACTION_KEYS)) {
    assert.deepEqual(requestOf(key, false), { name: "act", key });
  }
  assert.equal(new Set(Object.values(ACTION_KEYS)).size, Object.keys(ACTION_KEYS).length);
});

test("other keys are left to the browser", () => {
  for (const key of ["q", "Tab", "Enter", "constructor", "toString"]) {
    assert.equal(requestOf(key, false), null);
  }
});

test("in a field only Escape means something", () => {
  assert.equal(requestOf("j", true), null);
  assert.equal(requestOf("a", true), null);
  assert.deepEqual(requestOf("Escape", true), { name: "leaveField" });
  assert.deepEqual(requestOf("Escape", false), { name: "close" });
});
