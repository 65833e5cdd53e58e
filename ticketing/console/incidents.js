// The listed incidents: newest first, each at its newest revision.

export function newestFirst(left, right) {
  if (left.createdAt !== right.createdAt) return left.createdAt < right.createdAt ? 1 : -1;
  if (left.id === right.id) return 0;
  return left.id < right.id ? 1 : -1;
}

export class Incidents {
  constructor() {
    this.known = new Map();
    this.inOrder = null; // Sorted once a change, however often it is asked for.
    this.next = null; // The cursor of the next page; null after the last one.
  }

  get(id) {
    return this.known.get(id);
  }

  ordered() {
    this.inOrder ??= [...this.known.values()].sort(newestFirst);
    return this.inOrder;
  }

  // The first page takes the place of all that was listed.
  replace({ incidents, next }) {
    this.known.clear();
    this.inOrder = null;
    this.append({ incidents, next });
  }

  append({ incidents, next }) {
    for (const incident of incidents) this.keep(incident);
    this.next = next;
  }

  // Take changed incidents in; how many of them are new to the list.
  merge(incidents) {
    const last = this.ordered().at(-1);
    let added = 0;
    for (const incident of incidents) {
      const isNew = !this.known.has(incident.id);
      // An incident older than the last row comes with its own page.
      if (isNew && this.next && last && newestFirst(incident, last) > 0) continue;
      if (isNew) added += 1;
      this.keep(incident);
    }
    return added;
  }

  remove(ids) {
    for (const id of ids) if (this.known.delete(id)) this.inOrder = null;
  }

  keep(incident) {
    const known = this.known.get(incident.id);
    if (known && known.revision > incident.revision) return;
    this.known.set(incident.id, incident);
    this.inOrder = null;
  }
}
