// The list in step with the server: pages that are read, and changes from the stream.

import { hasChosenStatus, isNarrowed, listPath } from "./filter.js";
import { Incidents } from "./incidents.js";
import { Matching } from "./matching.js";

const PAGE = 100; // Incidents a page: some screens full, and still read at once.

export class LiveList {
  // `getPage` reads a page by its path, `filter` gives the filter of the moment. `on` hears of
  // `change` (draw again), `read` (incidents came from the server), `added` (the number of new
  // incidents), `success` and `problem` (how reading went).
  constructor({ getPage, filter, on }) {
    this.getPage = getPage;
    this.filter = filter;
    this.on = on;
    this.incidents = new Incidents();
    this.loaded = false;
    this.announceNew = false; // Rows of the first page are not news.
    this.reading = null;
    this.held = []; // Changes that came while a page was read.
    this.matching = new Matching({
      ask: (ids) => this.ask(ids),
      onAnswer: (matched, others) => this.takeAnswer(matched, others),
      onError: on.problem,
    });
  }

  // Read the first page, or one more. A newer call takes the place of one that is under way.
  async load({ more = false } = {}) {
    this.reading?.abort();
    const mine = new AbortController();
    this.reading = mine;
    // The first page answers all questions; a further one does not.
    if (!more) this.matching.reset();
    try {
      const cursor = more ? this.incidents.next : null;
      const path = listPath(this.filter(), { limit: PAGE, cursor });
      const page = await this.getPage(path, mine.signal);
      if (this.reading !== mine) return;
      this.takePage(page, more);
    } catch (error) {
      if (this.reading !== mine) return;
      this.on.problem(error);
    }
    this.reading = null;
    for (const change of this.held.splice(0)) this.takeChange(change);
    this.on.change();
  }

  takePage(page, more) {
    if (more) this.incidents.append(page);
    else this.incidents.replace(page);
    this.announceNew &&= more;
    this.loaded = true;
    this.on.read(page.incidents);
    this.on.success();
  }

  // Changed and removed incidents, as the stream tells them.
  changed(change) {
    this.on.read(change.incidents);
    // The page that is being read may be older than the change, and would undo it.
    if (this.reading) this.held.push(change);
    else this.takeChange(change);
  }

  takeChange({ incidents, removed }) {
    this.announceNew = true;
    this.incidents.remove(removed);
    if (isNarrowed(this.filter())) {
      this.matching.add(idsOf(incidents));
      this.on.change();
    } else {
      const matched = incidents.filter((incident) => hasChosenStatus(this.filter(), incident));
      const others = incidents.filter((incident) => !matched.includes(incident));
      this.merge(matched, idsOf(others));
    }
  }

  async ask(ids) {
    const path = listPath(this.filter(), { limit: ids.length, ids });
    return (await this.getPage(path)).incidents;
  }

  takeAnswer(matched, others) {
    this.on.read(matched);
    this.merge(matched, others);
    this.on.success();
  }

  merge(matched, others) {
    this.incidents.remove(others);
    const added = this.incidents.merge(matched);
    if (added) this.on.added(added);
    this.on.change();
  }
}

const idsOf = (incidents) => incidents.map((incident) => incident.id);
