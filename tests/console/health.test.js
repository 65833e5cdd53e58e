import assert from "node:assert/strict";
import { test } from "node:test";

import { balanceInWords, cellsOf } from "../../ticketing/console/health.js";

const WELL = {
  kafka: true,
  view: "ready",
  roles: [
    { role: "pipeline", state: "up" },
    { role: "view", state: "up" },
  ],
  platforms: [{ name: "slack", title: "Slack", circuit: "closed", undelivered: 0 }],
  undelivered: [],
  undeliveredTotal: 0,
  lastRecordAt: "2030-01-01T00:00:00.000Z",
  lag: { records: 0, seconds: 0 },
  deadLetters: 0,
  sampledShare: 1,
};
const told = (health) => cellsOf(health).map(({ label, text, state }) => [label, text, state]);

test("an installation that is well says so in a few words", () => {
  assert.deepEqual(told(WELL), [
    ["Roles", "2 up", "well"],
    ["Platforms", "1 answer", "well"],
    ["Last record", "", "well"],
    ["Lag", "none", "well"],
    ["Dead letters", "0", "well"],
  ]);
});

test("a page that did not get through comes first, and leads to its incident", () => {
  const lost = { ...WELL, undelivered: [{ id: "a-b" }], undeliveredTotal: 2 };
  const [first] = cellsOf(lost);
  assert.deepEqual(
    [first.text, first.state, first.id],
    ["2 pages did not get through", "failed", "a-b"],
  );
});

test("what is down, silent, late or lost is named", () => {
  const ill = {
    ...WELL,
    view: "rebuilding",
    roles: [
      { role: "pipeline", state: "down" },
      { role: "view", state: "starting" },
    ],
    platforms: [{ title: "Jira", circuit: "open", reason: "timeout" }],
    lag: { records: 12_345, seconds: 130 },
    deadLetters: 3,
    sampledShare: 0.25,
  };
  const warned = told(ill).filter(([, , state]) => state === "warn");
  assert.deepEqual(
    warned.map(([label, text]) => `${label} ${text}`.trim()),
    [
      "pipeline is down",
      "view is starting",
      "Jira does not answer",
      "The list is being rebuilt",
      "Lag 2 min, 12.3K records",
      "Dead letters 3",
    ],
  );
  assert.deepEqual(told(ill).at(-1), ["Traces", "25 % sampled", "well"]);
});

test("what nobody can tell now is not shown", () => {
  const silent = {
    kafka: false,
    view: "away",
    roles: [],
    platforms: [],
    undelivered: null,
    undeliveredTotal: null,
    lastRecordAt: null,
    lag: null,
    deadLetters: null,
    sampledShare: null,
  };
  assert.deepEqual(told(silent), [
    ["Kafka", "does not answer", "warn"],
    ["Redis", "does not answer", "warn"],
  ]);
  assert.deepEqual(cellsOf({}), []);
});

test("the balance adds up, is under way, or does not add up", () => {
  assert.equal(balanceInWords({ balance: { underWay: 0, addsUp: true } }), "✓ adds up");
  assert.equal(balanceInWords({ balance: { underWay: 7, addsUp: null } }), "7 under way");
  assert.equal(balanceInWords({ balance: { underWay: -7, addsUp: false } }), "7 do not add up");
  assert.equal(balanceInWords({ balance: null }), null);
});
