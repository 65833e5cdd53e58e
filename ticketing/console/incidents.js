// The listed incidents: newest first, each at its newest revision.

export function newestFirst(left, right) {
  if (left.createdAt !== right.createdAt) return left.createdAt < right.createdAt ? 1 : -1;
  if (left.id === right.id) return 0;
  return left.id < right.id ? 1 : -1;
}

export class Incidents {
  constructor() {
    this.known = new Map();
    this.next = null; // The cursor of the next page; null after the last one.
  }

  get(id) {
    return this.known.get(id);
  }

  ordered() {
    return [...this.known.values()].sort(newestFirst);
  }

  // The first page takes the place of all that was listed.
  replace({ incidents, next }) {
    this.known.clear();
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
    for (const id of ids) this.known.delete(id);
  }

  keep(incident) {
    const known = this.known.get(incident.id);
    if (!known || known.revision <= incident.revision) this.known.set(incident.id, incident);
  }

  // The incident `distance` rows from one; from above the first row where that one is not listed.
  neighbour(id, distance) {
    const ordered = this.ordered();
    const at = ordered.findIndex((incident) => incident.id === id);
    return ordered[Math.min(Math.max(at + distance, 0), ordered.length - 1)];
  }
}
