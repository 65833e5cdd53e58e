// The pane of one incident: what is known of it, and what can be asked of it.

import { barChart, capital, count, el, PLATFORM_NAMES, safeUrl, time } from "./draw.js";
import { hashOf, statusPill } from "./list.js";

export const ACTIONS = {
  acknowledge: { name: "Acknowledge", key: "a", from: ["open", "escalated"], leadsTo: "acknowledged" },
  escalate: { name: "Escalate", key: "e", from: ["open", "acknowledged"], leadsTo: "escalated" },
  resolve: { name: "Resolve", key: "r", from: ["open", "acknowledged", "escalated"], leadsTo: "resolved" },
  reopen: { name: "Reopen", key: "o", from: ["resolved"], leadsTo: "open" },
};

export class Detail {
  constructor(node, { onAction, onComment, onForward, onClose }) {
    this.node = node;
    this.on = { onAction, onComment, onForward, onClose };
    this.id = null;
  }

  close() {
    this.id = null;
    this.node.hidden = true;
    this.node.replaceChildren();
  }

  loading(id) {
    if (this.id !== id) this.draft = "";
    this.id = id;
    this.node.hidden = false;
    this.node.replaceChildren(this.head([el("h2", {}, "Loading…")]));
  }

  missing(id, message) {
    this.id = id;
    this.node.hidden = false;
    this.node.replaceChildren(this.head([el("h2", {}, "Not here")]), el("p", { class: "error", role: "alert" }, message));
  }

  // Draw the incident; what is being typed, the scroll and the focus stay where they are.
  show(incident, { pending, error, windowSeconds, platforms }) {
    const top = this.node.scrollTop;
    const focused = this.node.contains(document.activeElement) ? document.activeElement.dataset.keep : null;
    const open = [...this.node.querySelectorAll("details[open]")].map((node) => node.dataset.name);
    const typed = this.node.querySelector("textarea");
    if (typed && this.id === incident.id) this.draft = typed.value;
    const at = typed && focused === "comment" ? typed.selectionStart : 0;
    this.id = incident.id;
    this.node.hidden = false;
    const status = pending ? pending.status : incident.status;
    this.node.replaceChildren(
      this.head([
        el("div", { class: "badges" }, el("span", { class: "severity", "data-severity": incident.severity }, capital(incident.severity)), statusPill(status, Boolean(pending)), ...notes(incident)),
        el("h2", {}, incident.title || incident.id),
        el("p", { class: "under" }, el("span", { class: "service" }, incident.service), el("span", { class: "faint" }, [incident.environment, incident.tenantId].filter(Boolean).join(" · "))),
      ]),
      this.actions(status, Boolean(pending)),
      error ? problem(error) : "",
      summary(incident.summary),
      origin(incident),
      facts(incident),
      section("Counts", el("p", { class: "big" }, count(incident.counts.total), el("span", { class: "faint" }, incident.counts.total === 1 ? " anomaly" : " anomalies")), barChart(incident.counts.windows, windowSeconds)),
      this.tickets(incident, platforms),
      this.timeline(incident),
      requests(incident),
      evidence(incident),
      technical(incident),
    );
    for (const name of open) this.node.querySelector(`details[data-name="${name}"]`)?.setAttribute("open", "");
    this.node.scrollTop = top;
    if (focused) {
      const again = this.node.querySelector(`[data-keep="${focused}"]`);
      again?.focus({ preventScroll: true });
      if (again instanceof HTMLTextAreaElement) again.setSelectionRange(at, at);
    }
  }

  head(children) {
    const close = el("button", { class: "icon close", type: "button", "aria-label": "Close", title: "Close (Esc)", "data-keep": "close", onclick: this.on.onClose }, "×");
    return el("header", {}, el("div", {}, ...children), close);
  }

  actions(status, busy) {
    const buttons = Object.entries(ACTIONS)
      .filter(([, action]) => action.from.includes(status))
      .map(([name, action], index) => {
        const kind = index === 0 ? "primary" : "";
        const run = () => this.on.onAction(this.id, name);
        return el("button", { type: "button", class: kind, disabled: busy, title: `${action.name} (${action.key})`, "data-keep": name, onclick: run }, action.name);
      });
    return el("div", { class: "actions", role: "group", "aria-label": "Actions" }, ...buttons);
  }

  tickets(incident, platforms) {
    const held = new Set(incident.tickets.map((ticket) => ticket.platform));
    const waiting = incident.platforms.filter((name) => !held.has(name));
    const others = incident.status === "resolved" ? [] : platforms.filter((name) => !held.has(name) && !waiting.includes(name));
    const rows = [
      ...incident.tickets.map(ticketRow),
      ...waiting.map((name) => el("li", {}, el("span", { class: "dot", "data-state": "pending" }), el("b", {}, PLATFORM_NAMES[name] || name), el("span", { class: "faint" }, incident.ticketed ? "on its way" : "after the group wait"))),
    ];
    const forward = others.map((name) => el("button", { type: "button", class: "small", "data-keep": `forward-${name}`, onclick: () => this.on.onForward(this.id, name) }, `Forward to ${PLATFORM_NAMES[name] || name}`));
    const nothing = incident.heldBy ? "Another incident's ticket speaks for this one." : "Routed to no platform.";
    return section("Tickets", rows.length ? el("ul", { class: "tickets" }, ...rows) : el("p", { class: "faint" }, nothing), forward.length ? el("div", { class: "actions" }, ...forward) : "");
  }

  timeline(incident) {
    const steps = [...incident.timeline].reverse().map((step) =>
      el("li", { "data-kind": step.kind }, el("div", {}, el("b", {}, capital(step.kind)), step.by && step.kind !== "receipt" ? el("span", { class: "faint" }, ` by ${step.by}`) : "", el("span", { class: "at" }, time(step.at))), step.text ? el("p", {}, step.text) : ""),
    );
    const box = el("textarea", { rows: "2", maxlength: "4000", "aria-label": "Comment", placeholder: "Add a comment", "data-keep": "comment" });
    box.value = this.draft || "";
    const submit = (event) => {
      event.preventDefault();
      if (box.value.trim()) this.on.onComment(this.id, box.value.trim());
    };
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
    });
    const form = el("form", { class: "comment", onsubmit: submit }, box, el("button", { class: "small", "data-keep": "send" }, "Comment"));
    return section("Timeline", form, el("ol", { class: "timeline" }, ...steps));
  }

  commented() {
    this.draft = "";
    const box = this.node.querySelector("textarea");
    if (box) box.value = "";
  }

  focusComment() {
    this.node.querySelector("textarea")?.focus();
  }
}

function section(title, ...children) {
  return el("section", {}, el("h3", {}, title), ...children);
}

function problem({ message, again }) {
  const retry = again ? el("button", { type: "button", class: "small", "data-keep": "again", onclick: again }, "Try again") : "";
  return el("div", { class: "problem", role: "alert" }, el("p", {}, message), retry);
}

function notes(incident) {
  const found = [];
  if (incident.flapping) found.push("flapping");
  if (incident.episode > 1) found.push(`episode ${incident.episode}`);
  if (incident.kind !== "pattern") found.push(incident.kind);
  return found.map((text) => el("span", { class: "note" }, text));
}

function summary(found) {
  if (!found) return "";
  const lines = [
    ["Likely cause", found.rootCause],
    ["Impact", found.impact],
  ].filter(([, text]) => text);
  return section(
    "Summary",
    found.generated ? el("p", {}, el("b", {}, found.title)) : "",
    el("p", {}, found.text),
    ...lines.map(([name, text]) => el("p", {}, el("b", {}, `${name}: `), text)),
    found.steps.length ? el("ol", { class: "steps" }, ...found.steps.map((step) => el("li", {}, step))) : "",
    el("p", { class: "faint" }, found.generated ? `Written by AI (${found.generatedBy}) from log lines: check before you act.` : "Written by rules."),
  );
}

function facts(incident) {
  const held = incident.heldBy ? el("a", { href: hashOf(incident.heldBy) }, incident.heldBy) : null;
  const pairs = [
    ["Opened", time(incident.createdAt)],
    ["First seen", time(incident.firstSeen)],
    ["Last seen", time(incident.lastSeen)],
    ["Acknowledged", time(incident.acknowledgedAt)],
    ["Escalated", time(incident.escalatedAt)],
    ["Escalated to", incident.escalatedTo.join(", ")],
    ["Resolved", time(incident.resolvedAt)],
    ["On call", incident.tickets.map((ticket) => ticket.onCall).filter(Boolean).join(", ")],
    ["Highest score", incident.anomalyScore.toFixed(3)],
    ["Affected services", incident.affectedServices.length > 1 ? incident.affectedServices.join(", ") : null],
    ["Endpoints", incident.endpoints.join(", ")],
    ["Held by", held],
    ["Holds back", incident.held ? count(incident.held) : null],
  ].filter(([, value]) => value);
  return el("dl", { class: "facts" }, ...pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

const RELATIONS = { cause: "its cause", symptom: "its symptom", same_cause: "the same cause", related: "the same requests" };
const percent = (share) => `${Math.round(share * 100)} %`;

// Where it began, as far as requests tell, and the incidents that share them.
function origin(incident) {
  const found = incident.trace.correlation;
  const linked = incident.links.filter((link) => link.id);
  if (!found && !linked.length) return "";
  const causes = (found ? found.candidates.slice(0, 3) : []).map((one) =>
    el("li", {}, el("b", {}, one.service), el("span", { class: "faint" }, ` ${percent(one.share)} of the evidence`), ...one.reasons.map((reason) => el("p", {}, reason))),
  );
  const radius = found && found.blastRadius;
  const suffers = radius ? `${count(radius.services)} services, ${count(radius.endpoints)} endpoints; ${percent(radius.failingShare)} of ${count(radius.requests)} requests fail, ${percent(radius.failingShareBefore)} before.` : "";
  const others = linked.map((link) => el("li", {}, el("a", { href: hashOf(link.id) }, `${link.service}: ${link.title || link.id}`), el("span", { class: "faint" }, ` ${RELATIONS[link.relation] || link.relation}`)));
  return section(
    "Where it began",
    causes.length ? el("ol", { class: "steps" }, ...causes) : "",
    suffers ? el("p", {}, suffers) : "",
    others.length ? el("h4", {}, "Linked incidents") : "",
    others.length ? el("ul", {}, ...others) : "",
  );
}

// The most telling requests, line by line.
function requests(incident) {
  const found = incident.trace.correlation;
  if (!found || !found.samples.length) return "";
  const samples = found.samples.map((sample, index) => {
    const hops = sample.path.map((hop) => hop.service).filter((name, at, all) => name !== all[at - 1]);
    const lines = sample.timeline.map((line) =>
      el("li", {}, el("div", { class: "faint" }, time(line.at), el("span", {}, `${"· ".repeat(Math.min(line.depth, 12))}${line.service}`), el("span", {}, line.level)), el("pre", { tabindex: "0" }, line.message)),
    );
    const omitted = sample.omitted ? el("p", { class: "faint" }, `${count(sample.omitted)} more lines.`) : "";
    const title = `${sample.traceId} (${sample.why}; ${sample.milliseconds.toFixed(0)} ms, ${count(sample.spans)} spans, tree by ${sample.method})`;
    return el("details", { "data-name": `request-${index}` }, el("summary", { "data-keep": `request-${index}` }, title), el("p", {}, hops.join(" → ")), el("ol", { class: "evidence" }, ...lines), omitted);
  });
  return section("Requests", ...samples);
}

function ticketRow(ticket) {
  const url = safeUrl(ticket.url);
  const label = ticket.key || ticket.externalId || "ticket";
  const link = url ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label) : el("span", {}, label);
  return el("li", {}, el("span", { class: "dot", "data-state": ticket.state }), el("b", {}, PLATFORM_NAMES[ticket.platform] || ticket.platform), link, el("span", { class: "faint" }, ticket.state), el("span", { class: "at" }, time(ticket.updatedAt)), ticket.error ? el("p", { class: "error" }, ticket.error) : "");
}

function evidence(incident) {
  if (!incident.evidence.length) return "";
  const rows = incident.evidence.map((sample) =>
    el(
      "li",
      {},
      el("div", { class: "faint" }, time(sample.at), ...[sample.level, sample.score.toFixed(3), sample.host, sample.endpoint].filter(Boolean).map((text) => el("span", {}, text)), el("span", { class: "at" }, `${sample.topic}[${sample.partition}] ${sample.offset}`)),
      el("pre", { tabindex: "0" }, sample.message),
    ),
  );
  return section("Evidence", el("ol", { class: "evidence" }, ...rows));
}

function technical(incident) {
  const refused = incident.commands.filter((command) => !command.applied);
  const parts = [
    el("dl", { class: "facts wide" }, ...[["Pattern", incident.pattern], ["Fingerprint", incident.fingerprint], ["Id", incident.id], ["Traces", incident.trace.ids.join(" ")]].filter(([, text]) => text).map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, el("code", {}, text))))),
    refused.length ? el("ul", { class: "refused" }, ...refused.map((command) => el("li", {}, `Refused: ${command.reason} `, time(command.at)))) : "",
  ];
  return el("details", { "data-name": "technical" }, el("summary", { "data-keep": "technical" }, "Identity and traces"), ...parts);
}
