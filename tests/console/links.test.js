import assert from "node:assert/strict";
import { test } from "node:test";

import { hashOf, idInHash, safeUrl } from "../../ticketing/console/links.js";

test("the hash of an incident leads back to it", () => {
  const id = "00000000deadbeef-0123456789abcdef";
  assert.equal(idInHash(hashOf(id)), id);
});

test("other hashes lead to no incident", () => {
  for (const hash of [
    "",
    "#",
    "#list",
    "#/incidents/",
    "#/incidents/00000000deadbeef-3-1234",
    "#/incidents/00000000deadbeef-0123456789abcdex",
    "#/incidents/00000000deadbeef-0123456789abcdef/x",
  ])
    assert.equal(idInHash(hash), null, hash);
});

test("addresses of web pages become links", () => {
  assert.equal(safeUrl("https://jira.example/OPS-1"), "https://jira.example/OPS-1");
  assert.equal(safeUrl("http://10.0.0.1:8080/a b"), "http://10.0.0.1:8080/a%20b");
});

test("anything else becomes no link", () => {
  const hostile = [
    "javascript:alert(1)",
    " javascript:alert(1)",
    "JAVASCRIPT:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "//evil.example",
    "/relative",
    "",
    null,
    undefined,
  ];
  for (const text of hostile) assert.equal(safeUrl(text), null, String(text));
});
