// Commands under way: sent, and not seen in the incident yet; and those that failed.

import { findAction } from "./actions.js";
import { newKey } from "./api.js";

export class Commands {
  // `send` sends a command, `newestOf` gives the newest document of an incident. `on` hears of
  // `change` (draw again), `done` and `failed`.
  constructor({ send, newestOf, on }) {
    this.send = send;
    this.newestOf = newestOf;
    this.on = on;
    this.pending = new Map();
    this.errors = new Map();
  }

  // The command under way on an incident, with the `status` that is shown meanwhile.
  pendingOf(id) {
    return this.pending.get(id);
  }

  // The failure of an incident's last command: `{message, again}`; `again` where that may help.
  errorOf(id) {
    return this.errors.get(id);
  }

  // One command an incident at a time: another one meanwhile is ignored.
  async run(id, name, body, key = newKey()) {
    if (this.pending.has(id)) return;
    const command = this.begin(this.newestOf(id), name);
    const sent = this.send(id, name, body, key);
    this.on.change();
    try {
      await sent;
      this.answered(id, command);
      await this.on.done(id, name, command);
    } catch (error) {
      this.pending.delete(id);
      // The same key: the server may have applied it, and does not apply it twice.
      const again = error.temporary ? () => this.run(id, name, body, key) : null;
      this.errors.set(id, { message: error.message, again });
      this.on.failed(id, error);
    }
    this.on.change();
  }

  begin(incident, name) {
    const leadsTo = findAction(incident, name)?.leadsTo ?? null;
    const command = {
      status: leadsTo ?? incident.status,
      moves: leadsTo !== null,
      revision: incident.revision,
      answered: false,
    };
    this.errors.delete(incident.id);
    this.pending.set(incident.id, command);
    return command;
  }

  answered(id, command) {
    command.answered = true;
    if (!command.moves) this.pending.delete(id);
    const newest = this.newestOf(id);
    if (newest) this.settle(newest);
  }

  settleAll(incidents) {
    for (const incident of incidents) this.settle(incident);
  }

  // A command is done with once the incident has moved on from where it was asked.
  settle(incident) {
    const command = this.pending.get(incident.id);
    if (command?.answered && incident.revision > command.revision) {
      this.pending.delete(incident.id);
    }
  }
}
