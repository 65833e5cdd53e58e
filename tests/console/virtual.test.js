import assert from "node:assert/strict";
import { test } from "node:test";

import { itemsBetween, neighbour, placesOf } from "../../ticketing/console/virtual.js";

test("items in view are those that a height between top and bottom cuts", () => {
  const places = placesOf([40, 64, 64, 40, 64]);
  assert.deepEqual(places, [0, 40, 104, 168, 208, 272]);
  assert.deepEqual(itemsBetween(places, 0, 39), [0, 1]);
  assert.deepEqual(itemsBetween(places, 40, 168), [1, 4]);
  assert.deepEqual(itemsBetween(places, -500, 10), [0, 1]);
  assert.deepEqual(itemsBetween(places, 5000, 6000), [4, 5]);
  assert.deepEqual(itemsBetween(placesOf([]), 0, 800), [0, 0]);
});

test("of any list and any place only what is near is drawn", () => {
  const places = placesOf(Array(5000).fill(64));
  for (let top = 0; top < 5000 * 64; top += 777) {
    const [first, last] = itemsBetween(places, top, top + 640);
    assert.ok(places[first] <= top && places[last] >= Math.min(top + 640, places.at(-1)));
    assert.ok(last - first <= 12);
  }
});

test("steps go through the rows and stop at both ends", () => {
  const ids = ["c", "b", "a"];
  assert.equal(neighbour(ids, "c", 0, 1), "b");
  assert.equal(neighbour(ids, "a", 2, 1), "a");
  assert.equal(neighbour(ids, "c", 0, -1), "c");
  assert.equal(neighbour(ids, null, 0, 1), "c");
  assert.equal(neighbour([], null, 0, 1), null);
});

test("from a row that is gone a step goes to whatever took its place", () => {
  const ids = ["d", "b", "a"]; // Between d and b there was c.
  assert.equal(neighbour(ids, "c", 1, 1), "b");
  assert.equal(neighbour(ids, "c", 1, -1), "d");
  assert.equal(neighbour(["d"], "c", 1, 1), "d");
});
