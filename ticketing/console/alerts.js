// The alerts of an incident: what each counts, minute by minute at first, and why it is here.

import { findAction } from "./actions.js";
import { minuteChart } from "./charts.js";
import { el, time } from "./dom.js";
import { capital, count } from "./format.js";
import { draftField, submitted } from "./forms.js";
import { list, section } from "./section.js";

// `chosen` are the fingerprints picked for a split or a move; `on` hears of `choose` and `action`.
export function alertsSection(incident, chosen, on) {
  const alerts = incident.alerts ?? [];
  if (!alerts.length) return [];
  const parts = alerts.length > 1 || incident.alertsTotal > 1;
  const canPart = parts && Boolean(findAction(incident, "split") ?? findAction(incident, "move"));
  const rows = alerts.map((alert) => alertRow(alert, canPart, chosen, on));
  const missing = incident.alertsTotal - alerts.length;
  const more = missing > 0 && el("p", { class: "faint" }, `${count(missing)} more, not shown.`);
  const heading = alerts.length === 1 ? "Alert" : "Alerts";
  const tools = findAction(incident, "move") && partingForm(incident, canPart, chosen, on);
  return [section(heading, list("alerts", rows), more, tools)];
}

function alertRow(alert, canPart, chosen, on) {
  const { fingerprint, severity, state, service, title, waitingFor } = alert;
  const source = alert.topic && `first record ${alert.topic}[${alert.partition}] ${alert.offset}`;
  return el(
    "li",
    { "data-severity": severity },
    el(
      "div",
      { class: "head" },
      canPart && picker(alert, chosen, on),
      el("span", { class: "severity", "data-severity": severity }, capital(severity)),
      el("b", {}, service),
      el("span", { class: "state", "data-state": state }, capital(state)),
      el("span", { class: "at" }, count(alert.count), " · ", time(alert.lastSeen)),
    ),
    el("p", {}, title || fingerprint),
    minuteChart(alert.minutes),
    waitingFor &&
      el("p", { class: "faint" }, `Waits for ${count(waitingFor.occurrences)} occurrences.`),
    alert.reason && el("p", { class: "faint" }, alert.reason),
    el("p", { class: "faint source" }, [fingerprint, source].filter(Boolean).join(" · ")),
  );
}

function picker({ fingerprint, title, service }, chosen, on) {
  return el("input", {
    type: "checkbox",
    checked: chosen.has(fingerprint),
    "aria-label": `Choose the alert ${service}: ${title}`,
    "data-keep": `alert-${fingerprint}`,
    onchange: (event) => on.choose(fingerprint, event.target.checked),
  });
}

// The alerts that a split or a move takes: those chosen, or the only one there is.
export function alertsToTake(incident, chosen) {
  const known = (incident.alerts ?? []).map((alert) => alert.fingerprint);
  const taken = known.filter((fingerprint) => chosen.has(fingerprint));
  return taken.length || known.length > 1 ? taken : known;
}

function partingForm(incident, canPart, chosen, on) {
  const { id } = incident;
  const split = canPart && findAction(incident, "split");
  const into = draftField(
    "move",
    "Incident that takes the chosen alerts",
    "id of another incident",
  );
  const take = (name, more) => {
    const alerts = alertsToTake(incident, chosen);
    if (alerts.length) on.action(id, name, { alerts, ...more });
  };
  const onSplit = () => take("split", {});
  const splitProperties = {
    type: "button",
    class: "small",
    "data-keep": "split",
    onclick: onSplit,
  };
  return el(
    "form",
    { class: "inline", onsubmit: submitted(into, (text) => take("move", { into: text })) },
    split && el("button", splitProperties, "Split off the chosen"),
    into,
    el("button", { class: "small", "data-keep": "move" }, "Move there"),
  );
}
