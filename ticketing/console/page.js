// The page around the list and the pane: its title, banner, ends of the list and announcements.

import { byId, el } from "./dom.js";
import { nearestSeverity } from "./filter.js";
import { count, dayTime } from "./format.js";

// Where somebody may act for others, the name is asked for.
const ASKED_FOR_A_NAME = new Set(["local", "shared"]);
const STREAM_STATES = {
  live: "Live",
  waiting: "Reconnecting",
  polling: "Every 10 s",
  locked: "Locked",
};
const STREAM_TITLES = {
  polling: "All streams of the server are in use: this page asks every 10 seconds.",
};

const problems = new Map();

// What is wrong at a source: "list", "incident", "command" or "overview"; null once it is well
// again. The oldest problem stands above the page until its own source is well.
export function showProblem(source, text) {
  if (text) problems.set(source, text);
  else problems.delete(source);
  const [first = ""] = problems.values();
  byId("banner").hidden = !first;
  if (byId("banner").textContent !== first) byId("banner").textContent = first;
}

// Show the incidents or the overview, and say so in the navigation.
export function showPage(isOverview) {
  for (const id of ["filters", "scroll"]) byId(id).hidden = isOverview;
  for (const [id, isHere] of [
    ["to-incidents", !isOverview],
    ["to-overview", isOverview],
  ]) {
    if (isHere) byId(id).setAttribute("aria-current", "page");
    else byId(id).removeAttribute("aria-current");
  }
}

// For screen readers.
export function announce(text) {
  byId("announce").textContent = text;
}

// The name and the role that the server knows.
export function showPrincipal({ name, role, kind }) {
  byId("principal").hidden = kind === "local";
  byId("principal").textContent = `${name}, ${role}`;
  byId("who-label").hidden = !ASKED_FOR_A_NAME.has(kind);
  byId("sign-out").hidden = kind === "local";
}

export function showStreamState(state) {
  byId("live").dataset.state = state;
  byId("live").textContent = STREAM_STATES[state];
  byId("live").title = STREAM_TITLES[state] ?? "";
}

// The list's end: a button for more, or a sentence in place of rows. `problem` is why the list
// can't be read, if it can't.
export function showEnd({ hasMore, isEmpty, isLoaded, isUnfiltered, problem }) {
  byId("more").hidden = !hasMore;
  byId("empty").hidden = !isEmpty;
  const quiet = isUnfiltered ? "All quiet: no active incident." : "No incident matches.";
  const loading = problem ? `${problem} Trying again…` : "Loading the incidents…";
  const text = isLoaded ? quiet : loading;
  const [shown] = byId("empty").children;
  if (shown.textContent !== text) shown.textContent = text;
}

// How many incidents have been opened since the reader looked, with a button to say "seen".
export function showNews(number, since, onSeen) {
  const news = byId("news");
  news.hidden = number === 0;
  if (!number || news.dataset.number === String(number)) return;
  news.dataset.number = number;
  const text = `${count(number)} new since you looked at ${dayTime(since)}.`;
  const properties = { type: "button", class: "quiet", onclick: onSeen };
  news.replaceChildren(text, " ", el("button", properties, "Seen"));
}

// The tab's title counts what is critical and not resolved.
export function showTitle(incidents) {
  const critical = incidents.filter(
    ({ severity, status }) => nearestSeverity(severity) === "critical" && status !== "resolved",
  );
  document.title = critical.length ? `(${critical.length}) Incidents` : "Incidents";
}
