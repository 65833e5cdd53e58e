// The timeline of an incident, newest step first, and the box for a comment.

import { findAction } from "./actions.js";
import { el, time } from "./dom.js";
import { capital } from "./format.js";
import { submitted } from "./forms.js";
import { withMoments } from "./moments.js";
import { list, section } from "./section.js";

// `onText` hears of a text and the action that it is for: comment or note.
export function timelineSection(incident, onText) {
  const steps = withGaps(incident.timeline).reverse().map(timelineStep);
  const form = findAction(incident, "comment") && commentForm(incident, onText);
  return section("Timeline", form, list("timeline", steps));
}

// The steps, oldest first, with an entry for steps that the server has let go.
export function withGaps(timeline) {
  return timeline.flatMap((step, place) => {
    const missing = step.seq - (place ? timeline[place - 1].seq : 0) - 1;
    const text = `${missing} earlier ${missing === 1 ? "step was" : "steps were"} dropped`;
    return missing > 0 ? [{ kind: "left out", at: step.at, text }, step] : [step];
  });
}

// The program's own authors, and the kinds of steps that only it makes.
const OWN_AUTHORS = new Set(["", "policy", "rules"]);
const OWN_KINDS = new Set(["receipt", "correlated", "summarized", "grouped", "fallback"]);

// True for a step of a person, or of a platform on behalf of one.
export const isOfPeople = ({ kind, by }) => !OWN_AUTHORS.has(by ?? "") && !OWN_KINDS.has(kind);

function timelineStep(step) {
  const { kind, by, at, text } = step;
  const author = isOfPeople(step)
    ? el("span", {}, " by ", el("b", {}, by))
    : el("span", { class: "faint" }, " automatic");
  const moment = el("span", { class: "at" }, time(at));
  return el(
    "li",
    { "data-kind": kind, "data-who": isOfPeople(step) ? "people" : "machine" },
    el("div", {}, el("b", {}, capital(kind)), author, moment),
    text && el("p", {}, ...withMoments(text)),
  );
}

function commentForm(incident, onText) {
  const box = el("textarea", {
    rows: "2",
    maxlength: "4000", // The server's limit of a text.
    "aria-label": "Comment",
    placeholder: "Add a comment",
    "data-keep": "comment",
    "data-draft": "comment",
  });
  const onsubmit = submitted(box, (text) => onText(incident.id, "comment", text));
  const onNote = submitted(box, (text) => onText(incident.id, "note", text));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) onsubmit(event);
  });
  const send = el("button", { class: "small", "data-keep": "send" }, "Comment");
  const properties = { type: "button", class: "small", "data-keep": "note", onclick: onNote };
  const title = "A note stays here; a comment goes to the tickets";
  const note = findAction(incident, "note") && el("button", { ...properties, title }, "Note");
  return el("form", { class: "comment", onsubmit }, box, send, note);
}
