import assert from "node:assert/strict";
import { test } from "node:test";

import { layered } from "../../ticketing/console/layers.js";

const nodesOf = (...names) => names.map((name) => ({ name }));
const edge = (caller, callee) => ({ caller, callee });
const layers = (places) => Object.fromEntries(places.map(({ name, layer }) => [name, layer]));

test("a caller stands before all that it calls", () => {
  const edges = [edge("shop", "db"), edge("web", "shop"), edge("web", "db")];
  assert.deepEqual(layers(layered(nodesOf("db", "shop", "web"), edges)), {
    web: 0,
    shop: 1,
    db: 2,
  });
});

test("calls in a circle end, and every service has a place of its own", () => {
  const edges = [edge("a", "b"), edge("b", "c"), edge("c", "a"), edge("c", "c")];
  const places = layered(nodesOf("a", "b", "c"), edges);
  assert.deepEqual(layers(places), { a: 0, b: 1, c: 2 });
  assert.equal(new Set(places.map(({ layer, row }) => `${layer}/${row}`)).size, 3);
});

test("a circle behind an entry begins at the entry", () => {
  const edges = [edge("b", "a"), edge("a", "b"), edge("web", "a")];
  assert.deepEqual(layers(layered(nodesOf("b", "a", "web"), edges)), { web: 0, a: 1, b: 2 });
});
