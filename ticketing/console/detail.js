// The pane of one incident: its sections, and the place of the reader while it is drawn again.

import { buttonActions } from "./actions.js";
import { alertsSection } from "./alerts.js";
import { brief } from "./brief.js";
import { barChart, finestCounts } from "./charts.js";
import { el } from "./dom.js";
import { capital, count } from "./format.js";
import { furtherActions, snoozeButton } from "./forms.js";
import { postMortemLinks } from "./post-mortem.js";
import { section } from "./section.js";
import { evidence, incidentFacts, listedIncidents, summary, technical } from "./sections.js";
import { serviceGraph } from "./service-graph.js";
import { Similar, similarSection } from "./similar.js";
import { remarkNodes, stillFiring } from "./standing.js";
import { statusPill } from "./status.js";
import { ticketsSection } from "./tickets.js";
import { timelineSection } from "./timeline.js";
import { linkedIncidents, requests, why } from "./traces.js";

export class Detail {
  // `on` holds what the pane's controls do: action (with the request's fields) and close.
  constructor(node, on) {
    this.node = node;
    this.on = on;
    this.id = null;
    this.drawn = null;
    this.similar = new Similar(() => this.drawn && this.show(...this.drawn));
    this.forget();
  }

  // Forget what was typed and chosen.
  forget() {
    this.drafts = new Map();
    this.chosen = new Set();
  }

  close() {
    this.id = null;
    this.drawn = null;
    this.node.hidden = true;
    this.node.replaceChildren();
  }

  loading(id) {
    this.open(id);
    this.node.scrollTop = 0;
    this.node.replaceChildren(this.head(el("h2", {}, "Loading…")));
  }

  missing(id, heading, message) {
    this.open(id);
    const reason = el("p", { class: "error", role: "alert" }, message);
    this.node.replaceChildren(this.head(el("h2", {}, heading)), reason);
  }

  open(id) {
    if (this.id !== id) this.forget();
    this.id = id;
    this.node.hidden = false;
  }

  // Draw the incident; what was typed, the scroll and the focus stay where they are.
  show(incident, context) {
    const place = this.id === incident.id ? this.place() : null;
    this.open(incident.id);
    this.drawn = [incident, context];
    const { pending, error, settings } = context;
    this.node.replaceChildren(
      this.head(...heading(incident, pending)),
      brief(incident, settings),
      this.actions(incident, Boolean(pending)),
      error ? problem(error) : "",
      ...this.firing(incident, pending),
      ...story(incident, settings),
      ...this.parts(incident, settings),
      ...requests(incident),
      ...evidence(incident),
      incidentFacts(incident),
      technical(incident),
      postMortemLinks(incident, ({ message }) => this.failed(message)),
    );
    if (place) this.restore(place);
  }

  // What the pane's own controls are in: alerts, tickets, timeline, forms.
  parts(incident, settings) {
    const { id } = incident;
    return [
      ...alertsSection(incident, this.chosen, this.parting()),
      ...listedIncidents(incident),
      ticketsSection(incident, settings, (name, platform) =>
        this.on.action(id, name, { platform }),
      ),
      timelineSection(incident, (_, name, text) => this.on.action(id, name, { text })),
      ...furtherActions(incident, this.on),
      ...similarSection(this.similar.of(id)),
      ...linkedIncidents(incident),
    ];
  }

  // Of a resolved incident that goes on: a snooze in place of the next page.
  firing(incident, pending) {
    const text = stillFiring(incident, pending?.status ?? incident.status);
    return text ? [notice(text, snoozeButton(incident, this.on))] : [];
  }

  failed(message) {
    this.node.querySelector("header").after(problem({ message }));
  }

  parting() {
    const choose = (fingerprint, wanted) => {
      if (wanted) this.chosen.add(fingerprint);
      else this.chosen.delete(fingerprint);
    };
    return { ...this.on, choose };
  }

  place() {
    for (const field of this.fields()) this.drafts.set(field.dataset.draft, field.value);
    const focused = this.node.contains(document.activeElement) ? document.activeElement : null;
    return {
      top: this.node.scrollTop,
      open: [...this.node.querySelectorAll("details[open]")].map((node) => node.dataset.name),
      focus: focused?.dataset.keep,
      caret: focused?.selectionStart ?? 0,
    };
  }

  restore({ top, open, focus, caret }) {
    for (const name of open) {
      this.node.querySelector(`details[data-name="${name}"]`)?.setAttribute("open", "");
    }
    for (const field of this.fields()) {
      const typed = this.drafts.get(field.dataset.draft);
      if (typed !== undefined) field.value = typed;
    }
    this.node.scrollTop = top;
    const again = focus && this.node.querySelector(`[data-keep="${focus}"]`);
    if (!again) return;
    again.focus({ preventScroll: true });
    if (again.matches("textarea, input[type=text]")) again.setSelectionRange(caret, caret);
  }

  fields() {
    return this.node.querySelectorAll("[data-draft]");
  }

  head(...children) {
    const properties = {
      class: "icon close",
      type: "button",
      "aria-label": "Close",
      title: "Close (Esc)",
      "data-keep": "close",
      onclick: this.on.close,
    };
    return el("header", {}, el("div", {}, ...children), el("button", properties, "×"));
  }

  actions(incident, disabled) {
    const buttons = buttonActions(incident).map(({ name, label, key }, index) => {
      const properties = {
        type: "button",
        class: index === 0 ? "primary" : "",
        disabled,
        title: key ? `${label} (${key})` : label,
        "data-keep": name,
        onclick: () => this.on.action(incident.id, name, {}),
      };
      return el("button", properties, label);
    });
    return el("div", { class: "actions", role: "group", "aria-label": "Actions" }, ...buttons);
  }

  // What was typed and chosen for an action is sent: its field is empty again.
  sent(name) {
    const draft = name === "note" ? "comment" : name;
    this.drafts.delete(draft);
    for (const field of this.fields()) if (field.dataset.draft === draft) field.value = "";
    if (name === "split" || name === "move") this.chosen.clear();
  }

  focusComment() {
    this.node.querySelector("textarea")?.focus();
  }
}

function heading(incident, pending) {
  const { severity, service, environment, tenantId } = incident;
  const owner = [environment, tenantId].filter(Boolean).join(" · ");
  return [
    el(
      "div",
      { class: "badges" },
      el("span", { class: "severity", "data-severity": severity }, capital(severity)),
      statusPill(pending?.status ?? incident.status, Boolean(pending)),
      ...remarkNodes(incident),
    ),
    el("h2", {}, incident.title || incident.id),
    el(
      "p",
      { class: "under" },
      el("span", { class: "service" }, service),
      el("span", { class: "faint" }, owner),
    ),
  ];
}

// What happened, whom it hurts and why we think so, in pictures and words.
function story(incident, settings) {
  return [
    counts(incident, settings.windowSeconds),
    ...serviceGraph(incident),
    ...why(incident),
    ...summary(incident.summary),
  ];
}

function notice(text, button) {
  return el("div", { class: "notice", role: "status" }, el("p", {}, text), button);
}

function problem({ message, again }) {
  const properties = { type: "button", class: "small", "data-keep": "again", onclick: again };
  const retry = again && el("button", properties, "Try again");
  return el("div", { class: "problem", role: "alert" }, el("p", {}, message), retry);
}

function counts(incident, windowSeconds) {
  const { total } = incident.counts;
  const { windows, seconds } = finestCounts(incident, windowSeconds);
  const unit = el("span", { class: "faint" }, total === 1 ? " anomaly" : " anomalies");
  const figure = el("p", { class: "big" }, count(total), unit);
  return section("Counts", figure, barChart(windows, seconds));
}
