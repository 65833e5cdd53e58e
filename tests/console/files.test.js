import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const DIRECTORY = new URL("../../ticketing/console/", import.meta.url);
const read = (name) => readFileSync(new URL(name, DIRECTORY), "utf8");
const files = readdirSync(DIRECTORY);
const ending = (suffix) => files.filter((name) => name.endsWith(suffix));
const page = read("index.html");
const reference = readFileSync(new URL("../api/reference.html", DIRECTORY), "utf8");

test("the pages name files that exist, and every style sheet", () => {
  const named = [...(page + reference).matchAll(/"console\/([^"]+)"/g)].map(([, name]) => name);
  for (const name of named) assert.ok(files.includes(name), name);
  assert.deepEqual(
    ending(".css").filter((name) => !named.includes(name)),
    [],
  );
});

test("the page has every element that the modules ask for by id", () => {
  const ids = new Set([...page.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id));
  const asked = ending(".js").flatMap((name) =>
    [...read(name).matchAll(/byId\("([^"]+)"\)/g)].map(([, id]) => ({ name, id })),
  );
  assert.ok(asked.length > 10);
  assert.deepEqual(
    asked.filter(({ id }) => !ids.has(id)),
    [],
  );
});

test("no text becomes markup or code: log lines are hostile", () => {
  const forbidden = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/;
  for (const name of ending(".js")) assert.doesNotMatch(read(name), forbidden, name);
});

test("lines are short", () => {
  for (const name of files.filter((file) => !file.endsWith(".svg"))) {
    const long = read(name)
      .split("\n")
      .findIndex((line) => line.length > 100);
    assert.equal(long, -1, `${name}:${long + 1}`);
  }
});
