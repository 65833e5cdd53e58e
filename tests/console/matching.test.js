import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { Matching } from "../../ticketing/console/matching.js";

let asked;
let answers;
let errors;
let later;
let matching;

beforeEach(() => {
  asked = [];
  answers = [];
  errors = [];
  later = [];
  matching = new Matching({
    ask: (ids) => new Promise((resolve, reject) => asked.push({ ids, resolve, reject })),
    onAnswer: (matched, others) => answers.push({ matched: matched.map(({ id }) => id), others }),
    onError: (error) => errors.push(error.message),
    later: (run) => later.push(run),
  });
});

async function answer(question, ...ids) {
  question.resolve(ids.map((id) => ({ id })));
  await turn();
}

test("the server says which incidents match; the others are named too", async () => {
  matching.add(["a", "b", "c"]);
  assert.deepEqual(asked[0].ids, ["a", "b", "c"]);
  await answer(asked[0], "b");
  assert.deepEqual(answers, [{ matched: ["b"], others: ["a", "c"] }]);
});

test("one question at a time, and each incident once in the next", async () => {
  matching.add(["a"]);
  matching.add(["b", "a"]);
  matching.add(["b"]);
  assert.equal(asked.length, 1);
  await answer(asked[0], "a");
  assert.deepEqual(asked[1].ids, ["b", "a"]);
});

test("a question holds fifty incidents at most", async () => {
  matching.add(Array.from({ length: 60 }, (_, number) => `id-${number}`));
  assert.equal(asked[0].ids.length, 50);
  await answer(asked[0]);
  assert.equal(asked[1].ids.length, 10);
});

test("after a failure the same incidents are asked about again", async () => {
  matching.add(["a"]);
  asked[0].reject(new Error("gone"));
  await turn();
  assert.deepEqual(errors, ["gone"]);
  assert.equal(asked.length, 1);
  later[0]();
  assert.deepEqual(asked[1].ids, ["a"]);
  await answer(asked[1], "a");
  assert.deepEqual(answers, [{ matched: ["a"], others: [] }]);
});

test("an answer to a question of the former filter counts for nothing", async () => {
  matching.add(["a", "b"]);
  matching.reset();
  matching.add(["c"]);
  await answer(asked[0], "a");
  assert.deepEqual(answers, []);
  assert.deepEqual(asked[1].ids, ["c"]);
});

test("a failed question of the former filter is not put again", async () => {
  matching.add(["a"]);
  matching.reset();
  asked[0].reject(new Error("gone"));
  await turn();
  assert.deepEqual([errors, later, asked.length], [[], [], 1]);
});
