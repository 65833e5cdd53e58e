// The incidents that are chosen for an action on all of them.

import { buttonActions } from "./actions.js";

export const CHOSEN_MAX = 500; // The server takes no more in one request.

export class Chosen {
  constructor(onChange) {
    this.ids = new Set();
    this.onChange = onChange;
  }

  has(id) {
    return this.ids.has(id);
  }

  set(id, wanted) {
    if (wanted && this.ids.size < CHOSEN_MAX) this.ids.add(id);
    else this.ids.delete(id);
    this.onChange();
  }

  toggle(id) {
    this.set(id, !this.has(id));
  }

  all(ids) {
    this.ids = new Set(ids.slice(0, CHOSEN_MAX));
    this.onChange();
  }

  clear() {
    this.ids.clear();
    this.onChange();
  }

  // Those among the known incidents that are chosen: others have left the list.
  of(incidents) {
    return incidents.filter(({ id }) => this.ids.has(id));
  }
}

// The actions that some of the incidents allow, each with the ids of those that do.
export function commonActions(incidents) {
  const found = new Map();
  for (const incident of incidents) {
    for (const action of buttonActions(incident)) {
      if (!found.has(action.name)) found.set(action.name, { ...action, ids: [] });
      found.get(action.name).ids.push(incident.id);
    }
  }
  return [...found.values()];
}
