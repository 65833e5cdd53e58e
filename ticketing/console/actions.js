// Actions on an incident. The server lists those that it allows now (`incident.actions`), each with
// the status it leads to and the field that its request needs; here they get their keys.

import { capital } from "./format.js";

// An action without a key has its button only.
export const ACTION_KEYS = { acknowledge: "a", escalate: "e", resolve: "r", reopen: "o" };

// The names of the actions that the role allows; all until the server has said.
let allowed = null;

export function allowActions(names) {
  allowed = names && new Set(names);
}

// A view that an older release has filled lacks the list until the server has built it anew.
const actionsOf = (incident) =>
  (incident.actions ?? []).filter(({ name }) => allowed?.has(name) ?? true);

export const findAction = (incident, name) =>
  actionsOf(incident).find((action) => action.name === name);

// Actions without a way back have no button beside the others.
const CONFIRMED = new Set(["delete"]);

// The actions that are asked for by a button alone, with their label and key.
export function buttonActions(incident) {
  return actionsOf(incident)
    .filter((action) => !action.needs && !CONFIRMED.has(action.name))
    .map(({ name }) => ({ name, label: capital(name), key: ACTION_KEYS[name] }));
}

// Platforms that an incident is on its way to: routed there, no ticket yet.
export function awaitedPlatforms(incident) {
  const ticketed = new Set(incident.tickets.map((ticket) => ticket.platform));
  return incident.platforms.filter((name) => !ticketed.has(name));
}

// Platforms that an incident can be forwarded to: enabled, without a ticket or a route.
export function forwardTargets(incident, enabledPlatforms) {
  if (!findAction(incident, "forward")) return [];
  const taken = new Set(incident.platforms);
  for (const ticket of incident.tickets) taken.add(ticket.platform);
  return enabledPlatforms.filter((name) => !taken.has(name));
}
