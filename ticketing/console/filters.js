// What the list is narrowed to: the controls, the address, the query, and the test of one incident.

import { capital, el } from "./draw.js";

const STATUSES = [
  ["active", "Active"],
  ["open", "Open"],
  ["acknowledged", "Acked"],
  ["escalated", "Escalated"],
  ["resolved", "Resolved"],
  ["", "All"],
];
export const SEVERITIES = ["critical", "high", "medium", "low"];
const ACTIVE = ["open", "acknowledged", "escalated"];
const TYPING_MS = 200;
const by = (id) => document.getElementById(id);

export class Filters {
  constructor(onChange) {
    this.status = "active";
    this.severities = new Set();
    this.q = "";
    this.service = "";
    this.since = "";
    this.onChange = onChange;
    this.buttons = new Map();
    this.draw();
  }

  draw() {
    for (const [value, name] of STATUSES) {
      const button = el("button", { type: "button", onclick: () => this.set({ status: value }) }, name, el("span", { class: "n" }));
      this.buttons.set(`status:${value}`, button);
      by("statuses").append(button);
    }
    for (const value of SEVERITIES) {
      const toggle = () => {
        const severities = new Set(this.severities);
        if (!severities.delete(value)) severities.add(value);
        this.set({ severities });
      };
      const button = el("button", { type: "button", "data-severity": value, onclick: toggle }, el("span", { class: "swatch" }), capital(value), el("span", { class: "n" }));
      this.buttons.set(`severity:${value}`, button);
      by("severities").append(button);
    }
    let typing;
    const later = (change) => {
      clearTimeout(typing);
      typing = setTimeout(() => this.set(change()), TYPING_MS);
    };
    by("q").addEventListener("input", () => later(() => ({ q: by("q").value.trim() })));
    by("service").addEventListener("input", () => later(() => ({ service: by("service").value.trim() })));
    by("since").addEventListener("change", () => this.set({ since: by("since").value }));
    by("clear").addEventListener("click", () => this.reset());
    by("filters").addEventListener("submit", (event) => event.preventDefault());
    this.show();
  }

  reset() {
    by("q").value = by("service").value = by("since").value = "";
    this.set({ status: "active", severities: new Set(), q: "", service: "", since: "" });
  }

  set(change) {
    Object.assign(this, change);
    this.show();
    this.onChange();
  }

  show() {
    for (const [value] of STATUSES) this.press(`status:${value}`, this.status === value);
    for (const value of SEVERITIES) this.press(`severity:${value}`, this.severities.has(value));
    by("clear").hidden = this.status === "active" && !this.narrowed();
  }

  press(name, pressed) {
    this.buttons.get(name).setAttribute("aria-pressed", String(pressed));
  }

  narrowed() {
    return Boolean(this.severities.size || this.q || this.service || this.since);
  }

  showCounts(totals, format) {
    const all = totals.byStatus;
    const sizes = { ...all, active: ACTIVE.reduce((sum, status) => sum + all[status], 0), "": totals.incidents };
    for (const [value] of STATUSES) this.buttons.get(`status:${value}`).lastChild.textContent = format(sizes[value]);
    for (const value of SEVERITIES) this.buttons.get(`severity:${value}`).lastChild.textContent = format(totals.active[value]);
  }

  statuses() {
    if (this.status === "active") return ACTIVE;
    return this.status ? [this.status] : [];
  }

  query(limit, cursor) {
    const query = new URLSearchParams({ limit });
    if (this.status) query.set("status", this.statuses().join(","));
    if (this.severities.size) query.set("severity", [...this.severities].join(","));
    if (this.service) query.set("service", this.service);
    if (this.q) query.set("q", this.q);
    if (this.since) query.set("from", (Date.now() / 1000 - Number(this.since)).toFixed(0));
    if (cursor) query.set("cursor", cursor);
    return `api/incidents?${query}`;
  }

  matches(incident) {
    const statuses = this.statuses();
    if (statuses.length && !statuses.includes(incident.status)) return false;
    if (this.severities.size && !this.severities.has(incident.severity)) return false;
    if (this.service && this.service !== incident.service) return false;
    if (this.since && Date.parse(incident.createdAt) < Date.now() - Number(this.since) * 1000) return false;
    return !this.q || mentions(incident, this.q);
  }
}

function mentions(incident, search) {
  const tickets = incident.tickets.flatMap((ticket) => [ticket.platform, ticket.key, ticket.externalId]);
  const { id, title, service, tenantId, environment, traceId, severity, status, affectedServices } = incident;
  const text = [id, title, service, tenantId, environment, traceId || "", severity, status, ...affectedServices, ...tickets].join("\n").toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
