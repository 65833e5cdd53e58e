import assert from "node:assert/strict";
import { test } from "node:test";

import { blastRadius, failingShares, named } from "../../ticketing/console/blast-radius.js";

const edge = (caller, callee, failed = 0) => ({ caller, callee, requests: 9, failed });

function incident(edges, fields = {}) {
  return {
    rootCause: "db",
    affectedServices: ["shop", "db", "web"],
    trace: { correlation: { edges, blastRadius: { requests: 0 } } },
    ...fields,
  };
}

test("each service has its part in the fault, and the sentence says the same", () => {
  const edges = [edge("shop", "db", 4), edge("web", "shop"), edge("web", "ads")];
  const { nodes, sentence } = blastRadius(incident(edges));
  assert.deepEqual(Object.fromEntries(nodes.map(({ name, standing }) => [name, standing])), {
    db: "cause",
    shop: "hurt",
    web: "hurt",
    ads: "other",
  });
  assert.equal(sentence, "It began in db. shop, web suffer.");
});

test("of many services the cause and those that suffer stay, with the calls between them", () => {
  const many = Array.from({ length: 40 }, (_, n) => edge("web", `leaf${n}`));
  const { nodes, edges } = blastRadius(incident([...many, edge("shop", "db", 1)]));
  const names = nodes.map(({ name }) => name);
  assert.equal(names.length, 24);
  for (const name of ["db", "shop", "web"]) assert.ok(names.includes(name), name);
  for (const { caller, callee } of edges) {
    assert.ok(names.includes(caller) && names.includes(callee));
  }
});

test("an incident without requests, or of an older release, has no graph", () => {
  assert.deepEqual(blastRadius(incident(undefined)).edges, []);
  assert.deepEqual(blastRadius({ ...incident([]), trace: { correlation: null } }).nodes, []);
});

test("the shares of failing requests are a sentence", () => {
  const radius = { requests: 1200, failingShare: 0.25, failingShareBefore: 0.01 };
  assert.equal(failingShares(radius), "25 % of 1,200 requests fail, 1 % before");
  assert.equal(failingShares({ requests: 0 }), null);
});

test("of many names the further ones are a number", () => {
  assert.equal(named(["a", "b"]), "a, b");
  assert.equal(named(["a", "b", "c", "d", "e", "f", "g"]), "a, b, c, d, e and 2 more");
});
