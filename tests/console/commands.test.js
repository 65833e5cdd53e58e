import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { Problem } from "../../ticketing/console/api.js";
import { Commands } from "../../ticketing/console/commands.js";
import { makeIncident } from "./incident.js";

let sent;
let incident;
let done;
let failed;
let commands;

const { id } = makeIncident();

beforeEach(() => {
  sent = [];
  done = [];
  failed = [];
  incident = makeIncident();
  commands = new Commands({
    send: (...args) => new Promise((resolve, reject) => sent.push({ args, resolve, reject })),
    newestOf: () => incident,
    on: {
      change: () => {},
      done: (_, name, { moves, status }) => done.push({ name, moves, status }),
      failed: (_, error) => failed.push(error.message),
    },
  });
});

async function answer(index = 0) {
  sent[index].resolve({});
  await turn();
}

async function refuse(problem, index = 0) {
  sent[index].reject(problem);
  await turn();
}

test("the status that a command leads to is shown until the incident has moved on", async () => {
  commands.run(id, "resolve", { by: "kim" });
  assert.equal(commands.pendingOf(id).status, "resolved");
  commands.settle({ ...incident, revision: 2 });
  assert.ok(commands.pendingOf(id), "a change before the answer may be another one");
  await answer();
  assert.deepEqual(done, [{ name: "resolve", moves: true, status: "resolved" }]);
  assert.ok(commands.pendingOf(id), "the change is not seen yet");
  commands.settle({ ...incident, revision: 2 });
  assert.equal(commands.pendingOf(id), undefined);
});

test("a change that was seen before the answer ends the command with it", async () => {
  commands.run(id, "resolve", {});
  incident = { ...incident, status: "resolved", revision: 2 };
  await answer();
  assert.equal(commands.pendingOf(id), undefined);
});

test("a command that leaves the status alone is over with its answer", async () => {
  commands.run(id, "comment", { text: "looking" });
  assert.equal(commands.pendingOf(id).status, "open");
  await answer();
  assert.equal(commands.pendingOf(id), undefined);
  assert.deepEqual(done, [{ name: "comment", moves: false, status: "open" }]);
});

test("a second command on the same incident is not sent", async () => {
  commands.run(id, "resolve", {});
  commands.run(id, "acknowledge", {});
  assert.deepEqual(
    sent.map(({ args }) => args[1]),
    ["resolve"],
  );
});

test("a refused command shows its reason and can't be repeated", async () => {
  commands.run(id, "resolve", {});
  await refuse(new Problem(409, { detail: "Cannot resolve it." }));
  assert.equal(commands.pendingOf(id), undefined);
  assert.deepEqual(commands.errorOf(id), { message: "Cannot resolve it.", again: null });
  assert.deepEqual(failed, ["Cannot resolve it."]);
});

test("a command whose outcome is unknown is repeated under the same key", async () => {
  commands.run(id, "comment", { text: "looking" });
  await refuse(new Problem(503, {}));
  commands.errorOf(id).again();
  assert.equal(commands.errorOf(id), undefined);
  assert.deepEqual(sent[0].args, sent[1].args);
  await answer(1);
  assert.equal(done.length, 1);
});

test("every command has a key of its own", async () => {
  commands.run(id, "comment", {});
  await answer();
  commands.run(id, "comment", {});
  const keys = sent.map(({ args }) => args[3]);
  assert.match(keys[0], /^console-[0-9a-f]{24}$/);
  assert.notEqual(keys[0], keys[1]);
});
