// The list in step with the server: pages that are read, and changes from the stream.

import { hasChosenStatus, isNarrowed, listPath } from "./filter.js";
import { Incidents } from "./incidents.js";
import { Matching } from "./matching.js";
import { inTime } from "./timers.js";

const PAGE = 100; // Incidents of the first page: some screens full, and read at once.
const PAGE_MAX = 500; // Of those behind it: the server's limit.
const RETRY_MS = 2000;

export class LiveList {
  // `getPage` reads a page by its path, `filter` gives the filter of the moment. `on` hears of
  // `change` (draw again), `read` (incidents came from the server), `added` (the number of new
  // incidents), `success` and `problem` (how reading went). A reading that failed is repeated.
  constructor({ getPage, filter, on, later = inTime }) {
    this.getPage = getPage;
    this.filter = filter;
    this.on = on;
    this.later = later;
    this.incidents = new Incidents();
    this.loaded = false;
    this.announceNew = false; // Rows of the first page are not news.
    this.reading = null;
    this.failing = null; // The reading that failed last, until one succeeds.
    this.held = []; // Changes that came while a page was read.
    this.matching = new Matching({
      ask: (ids) => this.ask(ids),
      onAnswer: (matched, others) => this.takeAnswer(matched, others),
      onError: on.problem,
      later,
    });
  }

  // Read the first page.
  load() {
    return this.read({ limit: PAGE });
  }

  // Read as much anew as is listed, within a page: the reader stays at a place.
  refresh() {
    const limit = Math.min(Math.max(this.incidents.known.size, PAGE), PAGE_MAX);
    return this.read({ limit });
  }

  // Read a page behind those that are listed, unless one is being read.
  async loadMore() {
    if (this.reading || !this.incidents.next) return;
    await this.read({ limit: PAGE_MAX, more: true });
  }

  // A newer call takes the place of one that is under way.
  async read({ limit, more = false }) {
    this.reading?.abort();
    const mine = new AbortController();
    this.reading = mine;
    // The first page answers all questions; a further one does not.
    if (!more) this.matching.reset();
    try {
      const cursor = more ? this.incidents.next : null;
      const path = listPath(this.filter(), { limit, cursor });
      const page = await this.getPage(path, mine.signal);
      if (this.reading !== mine) return;
      this.takePage(page, more);
    } catch (error) {
      if (this.reading !== mine) return;
      this.failed(error, mine);
    }
    if (this.reading === mine) this.reading = null;
    for (const change of this.held.splice(0)) this.takeChange(change);
    this.on.change();
  }

  failed(error, reading) {
    this.failing = reading;
    this.on.problem(error);
    // A newer reading, from whatever reason, repeats this one as well.
    if (!error.temporary) return;
    this.later(() => this.failing === reading && this.refresh(), error.retryMs ?? RETRY_MS);
  }

  takePage(page, more) {
    if (more) this.incidents.append(page);
    else this.incidents.replace(page);
    this.announceNew &&= more;
    this.loaded = true;
    this.failing = null;
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
