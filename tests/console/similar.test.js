import assert from "node:assert/strict";
import { test } from "node:test";

import { ending, Similar } from "../../ticketing/console/similar.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("similar incidents are asked for once, and the page is drawn when they come", async () => {
  const asked = [];
  let drawn = 0;
  const read = async (path) => {
    asked.push(path);
    return [{ id: "x" }];
  };
  const similar = new Similar(() => {
    drawn += 1;
  }, read);
  assert.deepEqual(similar.of("a"), []);
  similar.of("a");
  await settled();
  assert.deepEqual(similar.of("a"), [{ id: "x" }]);
  assert.deepEqual(asked, ["api/incidents/a/similar"]);
  assert.equal(drawn, 1);
});

test("an answer about another incident, none and a failure draw nothing", async () => {
  let drawn = 0;
  const answers = { a: [{ id: "x" }], b: [], c: null };
  const read = async (path) => {
    const answer = answers[path.split("/")[2]];
    if (answer === null) throw new Error("404");
    return answer;
  };
  const similar = new Similar(() => {
    drawn += 1;
  }, read);
  for (const id of ["a", "b", "c"]) similar.of(id);
  await settled();
  assert.deepEqual(similar.of("c"), []);
  assert.equal(drawn, 0);
});

test("an ending is told in words", () => {
  assert.equal(ending({ resolution: "quiet" }), "it went quiet");
  assert.equal(ending({ resolution: "of another release" }), "resolved");
});
