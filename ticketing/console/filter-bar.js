// The controls of the filter.

import { filterIn, searchOf } from "./address.js";
import { byId, el } from "./dom.js";
import {
  GROUPS,
  isDefault,
  NO_FILTER,
  SEVERITIES,
  SINCE_CHOICES,
  STATUS_CHOICES,
  statusCounts,
  withSeverityToggled,
} from "./filter.js";
import { capital, shortCount } from "./format.js";

// Long enough for the next letter of a word, too short to be noticed after the last one.
const TYPING_MS = 200;
const TYPED = ["q", "service"];
const SELECTED = { since: SINCE_CHOICES, group: GROUPS };

const servicesOf = ({ service, alertServices }) => alertServices ?? [service];

export class FilterBar {
  // The filter is that of the address, where every change of it goes.
  constructor(onChange) {
    this.filter = filterIn(location.search);
    this.onChange = onChange;
    this.typing = 0;
    this.statusButtons = new Map();
    this.severityButtons = new Map();
    this.addButtons();
    this.listen();
    this.show();
    this.write();
  }

  addButtons() {
    for (const [status, name] of STATUS_CHOICES) {
      const onclick = () => this.set({ status });
      const button = el("button", { type: "button", onclick }, name, el("span", { class: "n" }));
      this.statusButtons.set(status, button);
    }
    for (const severity of SEVERITIES) {
      const onclick = () => this.set(withSeverityToggled(this.filter, severity));
      const button = el(
        "button",
        { type: "button", "data-severity": severity, onclick },
        el("span", { class: "swatch" }),
        capital(severity),
        el("span", { class: "n" }),
      );
      this.severityButtons.set(severity, button);
    }
    byId("statuses").append(...this.statusButtons.values());
    byId("severities").append(...this.severityButtons.values());
    for (const [name, choices] of Object.entries(SELECTED)) {
      byId(name).append(...choices.map(([value, text]) => el("option", { value }, text)));
    }
  }

  listen() {
    for (const name of TYPED) byId(name).addEventListener("input", () => this.setSoon());
    for (const name of Object.keys(SELECTED)) {
      byId(name).addEventListener("change", () => this.set({ [name]: byId(name).value }));
    }
    byId("clear").addEventListener("click", () => this.reset());
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
  }

  setSoon() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => {
      this.set(Object.fromEntries(TYPED.map((name) => [name, byId(name).value.trim()])));
    }, TYPING_MS);
  }

  reset() {
    clearTimeout(this.typing);
    this.set(NO_FILTER);
    this.write();
  }

  // In place of the address before: a way back through every letter helps nobody.
  set(change) {
    this.filter = { ...this.filter, ...change };
    const { pathname, hash } = location;
    history.replaceState(history.state, "", pathname + searchOf(this.filter) + hash);
    this.show();
    this.onChange();
  }

  // Take the filter of the address, after a step through the history.
  follow() {
    if (searchOf(this.filter) === searchOf(filterIn(location.search))) return;
    this.filter = filterIn(location.search);
    this.show();
    this.write();
    this.onChange();
  }

  // Write into the fields what the filter says.
  write() {
    for (const name of [...TYPED, ...Object.keys(SELECTED)]) byId(name).value = this.filter[name];
  }

  show() {
    const { status, severities } = this.filter;
    const press = (button, pressed) => button.setAttribute("aria-pressed", String(pressed));
    for (const [name, button] of this.statusButtons) press(button, name === status);
    for (const [name, button] of this.severityButtons) press(button, severities.includes(name));
    byId("clear").hidden = isDefault(this.filter);
  }

  showCounts(totals) {
    const write = (button, number) => {
      button.lastChild.textContent = shortCount(number);
    };
    const byStatus = statusCounts(totals);
    for (const [name, button] of this.statusButtons) write(button, byStatus[name]);
    for (const [name, button] of this.severityButtons) write(button, totals.active[name]);
  }

  // Offer the services of the listed incidents while one is typed.
  suggestServices(incidents) {
    const services = [...new Set(incidents.flatMap(servicesOf))].sort();
    byId("services").replaceChildren(...services.map((value) => el("option", { value })));
  }
}
