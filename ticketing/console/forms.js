// Actions that need more than a button: who is assigned, how long to snooze, what to merge with.

import { findAction } from "./actions.js";
import { el } from "./dom.js";
import { folded } from "./section.js";

const HOUR_MS = 3_600_000;
const SNOOZES = [
  [1, "1 hour"],
  [4, "4 hours"],
  [24, "1 day"],
  [168, "1 week"],
];

// People in a field, separated by commas.
export const people = (text) =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);

// The end of a snooze of so many hours, as the API takes it.
export const snoozeUntil = (hours, now = Date.now()) =>
  new Date(now + Number(hours) * HOUR_MS).toISOString();

// A handler of `submit` that hands over the trimmed text of a field, unless it is empty.
export function submitted(field, take) {
  return (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (text) take(text);
  };
}

// The forms of the actions that an incident allows, folded away; none where it allows none.
export function furtherActions(incident, on) {
  const forms = [assignForm, snoozeForm, mergeForm, deleteForm]
    .map((form) => form(incident, on))
    .filter(Boolean);
  return forms.length ? [folded("further", "Assign, snooze, merge, delete", ...forms)] : [];
}

// A field for the text that an action needs; it survives when the pane is drawn again.
export function draftField(action, label, placeholder) {
  return el("input", {
    type: "text",
    "aria-label": label,
    placeholder,
    "data-keep": `${action}-field`,
    "data-draft": action,
    autocomplete: "off",
    spellcheck: "false",
  });
}

function button(name, text, properties = {}) {
  return el("button", { class: "small", "data-keep": name, ...properties }, text);
}

// Firing again pages nobody for an hour.
export function snoozeButton(incident, on) {
  if (!findAction(incident, "snooze")) return null;
  const onclick = () => on.action(incident.id, "snooze", { until: snoozeUntil(1) });
  return button("snooze-hour", "Snooze for 1 hour", { type: "button", onclick });
}

function assignForm(incident, on) {
  if (!findAction(incident, "assign")) return null;
  const who = draftField("assign", "People to assign", "names, separated by commas");
  who.value = (incident.assignees ?? []).join(", ");
  const onsubmit = (event) => {
    event.preventDefault();
    on.action(incident.id, "assign", { to: people(who.value) });
  };
  return el("form", { class: "inline", onsubmit }, who, button("assign", "Assign"));
}

function snoozeForm(incident, on) {
  if (!findAction(incident, "snooze")) return null;
  const options = SNOOZES.map(([hours, text]) => el("option", { value: hours }, text));
  const properties = { "aria-label": "How long", "data-keep": "snooze-field" };
  const length = el("select", properties, ...options);
  const onsubmit = (event) => {
    event.preventDefault();
    on.action(incident.id, "snooze", { until: snoozeUntil(length.value) });
  };
  const wake = () => on.action(incident.id, "snooze", { until: new Date(0).toISOString() });
  return el(
    "form",
    { class: "inline", onsubmit },
    length,
    button("snooze", "Snooze"),
    incident.snoozedUntil && button("wake", "End the snooze", { type: "button", onclick: wake }),
    el("span", { class: "faint" }, "Firing again pages nobody; a rise of severity does."),
  );
}

// Incidents that one may well be merged with, as `{id, text}`.
export const mergeTargets = ({ links = [] }) =>
  links
    .filter(({ id }) => id)
    .map(({ id, service, title }) => ({ id, text: `${service}: ${title}` }));

function mergeForm(incident, on) {
  if (!findAction(incident, "merge")) return null;
  const other = draftField("merge", "Incident to merge with", "id of another incident");
  other.setAttribute("list", "merge-targets");
  const known = mergeTargets(incident);
  const options = known.map(({ id, text }) => el("option", { value: id }, text));
  const take = (text) => on.action(incident.id, "merge", { with: text });
  const onsubmit = submitted(other, take);
  return el(
    "form",
    { class: "inline", onsubmit },
    other,
    el("datalist", { id: "merge-targets" }, ...options),
    button("merge", "Merge"),
    el("span", { class: "faint" }, "The earlier one stays; a split undoes it."),
  );
}

function deleteForm(incident, on) {
  if (!findAction(incident, "delete")) return null;
  const question = "Delete this incident for good? Nothing of it is kept here.";
  const onclick = () => confirm(question) && on.action(incident.id, "delete", {});
  const gone = button("delete", "Delete for good", { type: "button", onclick });
  return el("div", { class: "inline" }, gone);
}
