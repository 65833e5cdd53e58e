// Commands that wait a moment before they are sent, so that they can be taken back while nobody has
// heard of them yet: a resolution reaches every platform, and an escalation wakes people.

import { findAction } from "./actions.js";
import { clearTimer, inTime } from "./timers.js";

export const UNDO_MS = 5000; // To read a sentence, and to press a key.

export class Held {
  // `newestOf` gives the newest document of an incident. `on` hears of `change` and `send`, with
  // the incidents' ids, the action's name and the request's fields.
  constructor({ newestOf, on, later = inTime, never = clearTimer }) {
    this.newestOf = newestOf;
    this.on = on;
    this.later = later;
    this.never = never;
    this.held = null; // One at a time: whoever goes on has no doubt of the one before.
  }

  hold(ids, name, body) {
    this.flush();
    const statuses = new Map(
      ids.map((id) => [id, findAction(this.newestOf(id) ?? {}, name)?.leadsTo]),
    );
    const timer = this.later(() => this.flush(), UNDO_MS);
    this.held = { ids, name, body, statuses, timer };
    this.on.change();
  }

  // The command that waits on an incident, with the `status` that is shown meanwhile.
  pendingOf(id) {
    return this.held?.ids.includes(id) ? { status: this.held.statuses.get(id) } : undefined;
  }

  take() {
    const { held } = this;
    if (held) this.never(held.timer);
    this.held = null;
    return held;
  }

  // Take the commands back; what was taken back, or null.
  undo() {
    const held = this.take();
    if (held) this.on.change();
    return held;
  }

  flush() {
    const held = this.take();
    if (!held) return;
    this.on.send(held.ids, held.name, held.body);
    this.on.change();
  }
}
