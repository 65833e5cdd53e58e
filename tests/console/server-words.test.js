import assert from "node:assert/strict";
import { test } from "node:test";

import { otherFacts } from "../../ticketing/console/sections.js";
import { Settings } from "../../ticketing/console/settings.js";
import { blastRadius, hops } from "../../ticketing/console/traces.js";

const PLATFORMS = [
  { name: "pagerduty", title: "PagerDuty", enabled: false },
  { name: "acme", title: "Acme Desk", enabled: true },
];

test("platforms are called what the server calls them", () => {
  const settings = new Settings(PLATFORMS, { anomaly: { lookbackWindow: 60 } });
  assert.equal(settings.titleOf("acme"), "Acme Desk");
  assert.deepEqual(settings.enabledPlatforms, ["acme"]);
  assert.equal(settings.windowSeconds, 60);
});

test("until the server has spoken, names and windows are plausible", () => {
  const settings = new Settings();
  assert.equal(settings.titleOf("acme"), "Acme");
  assert.deepEqual(settings.enabledPlatforms, []);
  assert.equal(settings.windowSeconds, 900);
});

test("facts that the pane does not show itself are shown in the server's words", () => {
  const facts = [
    { name: "count", label: "How many", text: "7 anomalies" },
    { name: "last_deploy", label: "Last deploy", text: "v42, 3 min before" },
  ];
  assert.deepEqual(otherFacts({ facts }), [["Last deploy", "v42, 3 min before"]]);
  assert.deepEqual(otherFacts({}), []);
});

test("a stay in one service is one hop", () => {
  const path = ["a", "b", "b", "c", "b"].map((service) => ({ service }));
  assert.deepEqual(hops(path), ["a", "b", "c", "b"]);
});

test("the blast radius is a sentence", () => {
  const radius = {
    services: 3,
    endpoints: 7,
    requests: 1200,
    failingShare: 0.25,
    failingShareBefore: 0.01,
  };
  const text = "3 services, 7 endpoints; 25 % of 1,200 requests fail, 1 % before.";
  assert.equal(blastRadius(radius), text);
});
