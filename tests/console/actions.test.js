import assert from "node:assert/strict";
import { test } from "node:test";

import {
  allowActions,
  awaitedPlatforms,
  buttonActions,
  forwardTargets,
} from "../../ticketing/console/actions.js";
import { makeIncident } from "./incident.js";

const names = (incident) => buttonActions(incident).map((action) => action.name);

test("buttons are the server's actions that need nothing else, in its order", () => {
  assert.deepEqual(buttonActions(makeIncident()), [
    { name: "acknowledge", label: "Acknowledge", key: "a" },
    { name: "resolve", label: "Resolve", key: "r" },
  ]);
});

test("what can't be undone has no button beside the others", () => {
  const actions = [{ name: "delete", leadsTo: null, needs: null }];
  assert.deepEqual(buttonActions(makeIncident(1, { actions })), []);
});

test("an action that this page has never heard of gets a button without a key", () => {
  const actions = [{ name: "put_on_hold", leadsTo: "on_hold", needs: null }];
  assert.deepEqual(buttonActions(makeIncident(1, { actions })), [
    { name: "put_on_hold", label: "Put on hold", key: undefined },
  ]);
});

test("a document of an older release has no buttons", () => {
  assert.deepEqual(names(makeIncident(1, { actions: undefined })), []);
});

test("platforms with a ticket are not awaited", () => {
  const incident = makeIncident(1, {
    platforms: ["jira", "slack"],
    tickets: [{ platform: "jira" }],
  });
  assert.deepEqual(awaitedPlatforms(incident), ["slack"]);
});

test("an incident can be forwarded where it is not yet, if the server allows it", () => {
  const fields = { platforms: ["slack"], tickets: [{ platform: "jira" }] };
  const enabled = ["jira", "slack", "zammad"];
  assert.deepEqual(forwardTargets(makeIncident(1, fields), enabled), ["zammad"]);
  const resolved = makeIncident(1, { ...fields, actions: [] });
  assert.deepEqual(forwardTargets(resolved, enabled), []);
});

test("an action that the role does not allow is not offered", () => {
  allowActions(["resolve"]);
  assert.deepEqual(names(makeIncident()), ["resolve"]);
  allowActions([]);
  assert.deepEqual(forwardTargets(makeIncident(), ["jira"]), []);
  allowActions(null);
  assert.deepEqual(names(makeIncident()), ["acknowledge", "resolve"]);
});
