// Past incidents that resemble the open one, and how they ended.

import { get, incidentPath } from "./api.js";
import { el, time } from "./dom.js";
import { capital, duration } from "./format.js";
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

const ENDINGS = {
  command: "somebody resolved it",
  quiet: "it went quiet",
  merged: "merged with another",
  moved: "its alerts were moved",
};

// How an incident ended, in words.
export const ending = ({ resolution }) => ENDINGS[resolution] ?? "resolved";

function similarRow(one) {
  const { id, service, title, resolvedAt, seconds, rootCause, notes } = one;
  const lasted = `${capital(ending(one))} after ${duration(Math.round(seconds))}, `;
  return el(
    "li",
    {},
    el("a", { href: hashOf(id) }, `${service}: ${title || id}`),
    el("p", { class: "faint" }, lasted, time(resolvedAt)),
    rootCause && el("p", { class: "faint" }, `It began in ${rootCause}.`),
    ...notes.map(({ by, text }) => el("p", { class: "note-text" }, el("b", {}, by), ` ${text}`)),
  );
}
