import assert from "node:assert/strict";
import { test } from "node:test";

import { itemsOf, NO_TEAM } from "../../ticketing/console/grouping.js";
import { Settings } from "../../ticketing/console/settings.js";
import { makeIncident } from "./incident.js";

const INCIDENTS = [
  makeIncident(4, { service: "cart", severity: "low" }),
  makeIncident(3, { service: "billing" }),
  makeIncident(2, { service: "cart", severity: "critical" }),
];
const headings = (items) => items.filter(({ heading }) => heading).map(({ heading }) => heading);

test("without a group there are no headings", () => {
  assert.deepEqual(headings(itemsOf(INCIDENTS, "", new Settings())), []);
});

test("a group stands where its newest incident is, and is as severe as its worst", () => {
  const items = itemsOf(INCIDENTS, "service", new Settings());
  assert.deepEqual(headings(items), [
    { name: "cart", count: 2, severity: "critical" },
    { name: "billing", count: 1, severity: "high" },
  ]);
  assert.deepEqual(
    items.map(({ incident }) => incident?.service ?? "-"),
    ["-", "cart", "cart", "-", "billing"],
  );
});

test("teams are those of the catalog", () => {
  const settings = new Settings([], { catalog: { services: { cart: { team: "shop" } } } });
  const names = headings(itemsOf(INCIDENTS, "team", settings)).map(({ name }) => name);
  assert.deepEqual(names, ["shop", NO_TEAM]);
});
