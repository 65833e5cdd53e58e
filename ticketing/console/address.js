// What is chosen, as it stands in the address: behind the "?", so that links within the page and
// other tabs keep it. Defaults are left out.

import { GROUPS, NO_FILTER, SEVERITIES, SINCE_CHOICES, STATUS_CHOICES } from "./filter.js";

const ALL = "all"; // The status choice without a status.
const TYPED = ["q", "service"];
const among = (choices, value, otherwise) =>
  choices.some(([name]) => name === value) ? value : otherwise;

// The filter that an address names; what cannot be chosen counts as not chosen.
export function filterIn(search) {
  const given = new URLSearchParams(search);
  const status = given.get("status") === ALL ? "" : given.get("status");
  const severities = (given.get("severity") ?? "").split(",");
  return {
    ...NO_FILTER,
    status: among(STATUS_CHOICES, status, NO_FILTER.status),
    severities: SEVERITIES.filter((name) => severities.includes(name)),
    since: among(SINCE_CHOICES, given.get("since"), NO_FILTER.since),
    group: among(GROUPS, given.get("group"), NO_FILTER.group),
    ...Object.fromEntries(TYPED.map((name) => [name, given.get(name) ?? ""])),
  };
}

// The reverse of filterIn: empty for the default.
export function searchOf(filter) {
  const query = new URLSearchParams();
  if (filter.status !== NO_FILTER.status) query.set("status", filter.status || ALL);
  if (filter.severities.length) query.set("severity", filter.severities.join(","));
  for (const name of [...TYPED, "since", "group"]) if (filter[name]) query.set(name, filter[name]);
  return query.size ? `?${query}` : "";
}
