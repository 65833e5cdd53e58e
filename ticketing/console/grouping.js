// Incidents in groups: by service, or by the team that owns it.

import { nearestSeverity, SEVERITIES } from "./filter.js";

export const NO_TEAM = "no team";

// The name of an incident's group; null where the list has no groups.
export function groupOf(incident, by, settings) {
  if (by === "service") return incident.service;
  return by === "team" ? (settings.teamOf(incident.service) ?? NO_TEAM) : null;
}

const rank = (incident) => SEVERITIES.indexOf(nearestSeverity(incident.severity));

// The items of the list: incidents, behind a heading `{name, count, severity}` for each group. The
// group with the newest incident comes first.
export function itemsOf(incidents, by, settings) {
  if (!by) return incidents.map((incident) => ({ incident }));
  const groups = new Map();
  for (const incident of incidents) {
    const name = groupOf(incident, by, settings);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(incident);
  }
  return [...groups].flatMap(([name, own]) => {
    const severity = SEVERITIES[Math.min(...own.map(rank))];
    const heading = { name, count: own.length, severity };
    return [{ heading }, ...own.map((incident) => ({ incident }))];
  });
}
