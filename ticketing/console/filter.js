// The filter of the list: a value, and the query that asks the server for the incidents it lets in.
// Which incidents match a search, a service or a time is the server's rule alone.

export const STATUS_CHOICES = [
  ["active", "Active"],
  ["open", "Open"],
  ["acknowledged", "Acked"],
  ["escalated", "Escalated"],
  ["resolved", "Resolved"],
  ["", "All"],
];
export const SEVERITIES = ["critical", "high", "medium", "low"];
// Ages in seconds.
export const SINCE_CHOICES = [
  ["", "ever"],
  ["900", "15 minutes"],
  ["3600", "1 hour"],
  ["21600", "6 hours"],
  ["86400", "1 day"],
  ["604800", "7 days"],
];
export const GROUPS = [
  ["", "nothing"],
  ["service", "service"],
  ["team", "team"],
];
const ACTIVE = ["open", "acknowledged", "escalated"];

// Values of another release are shown as they are, and count like the server counts them.
export function nearestStatus(status) {
  return status === "resolved" || ACTIVE.includes(status) ? status : "open";
}

export function nearestSeverity(severity) {
  return SEVERITIES.includes(severity) ? severity : "critical";
}

// `status`, `since` and `group` are choices of theirs. The group only orders what is shown.
export const NO_FILTER = Object.freeze({
  status: "active",
  severities: Object.freeze([]),
  q: "",
  service: "",
  since: "",
  group: "",
});

export function withSeverityToggled(filter, severity) {
  const severities = SEVERITIES.filter(
    (name) => filter.severities.includes(name) !== (name === severity),
  );
  return { ...filter, severities };
}

// True where more than the status narrows the list.
export function isNarrowed(filter) {
  return Boolean(filter.severities.length || filter.q || filter.service || filter.since);
}

export const isDefault = (filter) => filter.status === NO_FILTER.status && !isNarrowed(filter);

function statusesOf(filter) {
  if (filter.status === "active") return ACTIVE;
  return filter.status ? [filter.status] : [];
}

// True for an incident whose status was chosen: all there is to a filter that is not narrowed.
export function hasChosenStatus(filter, incident) {
  const statuses = statusesOf(filter);
  return !statuses.length || statuses.includes(nearestStatus(incident.status));
}

// The address of a page of the list; `ids` are the incidents to look among, all without them.
export function listPath(filter, { limit, cursor, ids }, now = Date.now()) {
  const query = new URLSearchParams({ limit });
  if (ids) query.set("id", ids.join(","));
  if (filter.status) query.set("status", statusesOf(filter).join(","));
  if (filter.severities.length) query.set("severity", filter.severities.join(","));
  if (filter.service) query.set("service", filter.service);
  if (filter.q) query.set("q", filter.q);
  if (filter.since) query.set("from", (now / 1000 - Number(filter.since)).toFixed(0));
  if (cursor) query.set("cursor", cursor);
  return `api/incidents?${query}`;
}

// How many incidents each status choice stands for.
export function statusCounts(totals) {
  const active = Object.values(totals.active).reduce((sum, number) => sum + number, 0);
  return { ...totals.byStatus, active, "": totals.incidents };
}
