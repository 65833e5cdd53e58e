import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import * as api from "../../ticketing/console/api.js";

let answer;

beforeEach(() => {
  globalThis.document = { baseURI: "https://ops.example/api/ticketing/" };
  const stored = new Map();
  globalThis.sessionStorage = {
    getItem: (key) => stored.get(key) ?? null,
    setItem: (key, value) => stored.set(key, value),
  };
  answer = () => Response.json([]);
  mock.restoreAll();
  mock.method(globalThis, "fetch", async (...args) => answer(...args));
});

const request = () => {
  const [url, options] = globalThis.fetch.mock.calls[0].arguments;
  return { url: String(url), options };
};

test("requests keep to the page's own prefix, and carry the token once there is one", async () => {
  await api.get("api/v1/totals");
  assert.equal(request().url, "https://ops.example/api/ticketing/api/v1/totals");
  assert.equal(request().options.headers.Authorization, undefined);
  api.token.set("secret");
  globalThis.fetch.mock.resetCalls();
  await api.get("api/v1/totals");
  assert.equal(request().options.headers.Authorization, "Bearer secret");
});

test("a command is a POST with its key", async () => {
  await api.command("ab-1-1", "comment", { text: "x" }, "key-1");
  const { url, options } = request();
  assert.equal(url, "https://ops.example/api/ticketing/api/incidents/ab-1-1/comment");
  assert.equal(options.method, "POST");
  assert.equal(options.headers["Idempotency-Key"], "key-1");
  assert.deepEqual(JSON.parse(options.body), { text: "x" });
});

test("a page knows the cursor of the next one", async () => {
  const link = '</api/incidents?limit=2&cursor=MDE%3D>; rel="next"';
  answer = () => Response.json([{ id: "ab-1-1" }], { headers: { Link: link } });
  const base = "https://ops.example/";
  assert.equal(api.nextCursor(link, base), "MDE=");
  assert.equal(api.nextCursor(null, base), null);
  assert.equal(api.nextCursor('</x?cursor=1>; rel="prev"', base), null);
});

test("a problem speaks with the server's words, or names the status", async () => {
  answer = () => Response.json({ title: "Conflict", detail: "Resolved." }, { status: 409 });
  await assert.rejects(api.get("x"), { message: "Resolved.", status: 409, temporary: false });
  answer = () => new Response("<html>", { status: 502 });
  await assert.rejects(api.get("x"), { message: "The server answered 502.", temporary: true });
});

test("no answer at all is a temporary problem, a given-up request is none", async () => {
  answer = () => Promise.reject(new TypeError("fetch failed"));
  await assert.rejects(api.get("x"), { status: 0, temporary: true });
  answer = () => Promise.reject(new DOMException("given up", "AbortError"));
  await assert.rejects(api.get("x"), { name: "AbortError" });
});
