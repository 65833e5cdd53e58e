// Past incidents that resemble the open one, and how they ended.

import { get, incidentPath } from "./api.js";
import { el, time } from "./dom.js";
import { capital } from "./format.js";
import { hashOf } from "./links.js";
import { list, section } from "./section.js";

export class Similar {
  // `changed` hears that incidents have come, `read` gets a path.
  constructor(changed, read = get) {
    this.changed = changed;
    this.read = read;
    this.id = null;
    this.found = [];
  }

  // The incidents similar to one, as far as they have come: they are asked for once.
  of(id) {
    if (this.id !== id) {
      this.id = id;
      this.found = [];
      this.ask(id);
    }
    return this.found;
  }

  // A server without the answer leaves the page without the section.
  async ask(id) {
    try {
      const found = await this.read(`${incidentPath(id)}/similar`);
      if (this.id !== id || !Array.isArray(found) || !found.length) return;
      this.found = found;
      this.changed();
    } catch {
      if (this.id === id) this.found = [];
    }
  }
}

export function similarSection(found) {
  if (!found.length) return [];
  return [section("Similar before", list("similar", found.map(similarRow)))];
}

// How an incident ended, in words.
export function ending({ status, resolution, resolvedAt }) {
  if (status && status !== "resolved" && !resolvedAt) return capital(status);
  return resolution ? `Resolved: ${capital(resolution).toLowerCase()}` : "Resolved";
}

function similarRow(one) {
  const { id, service, title, resolvedAt, rootCause, cause, notes = [] } = one;
  const began = rootCause ?? cause;
  return el(
    "li",
    {},
    el("a", { href: hashOf(id) }, `${service}: ${title || id}`),
    el("p", { class: "faint" }, ending(one), " ", time(resolvedAt)),
    typeof began === "string" && began && el("p", { class: "faint" }, `Cause: ${began}`),
    ...notes.map((note) => el("p", { class: "note-text" }, note)),
  );
}
