// Commands under way: sent, and not seen in the incident yet; and those that failed.

import { findAction } from "./actions.js";
import { newKey } from "./api.js";

export class Commands {
  // `send` sends a command, `sendAll` one for several incidents, `newestOf` gives the newest
  // document of an incident. `on` hears of `change` (draw again), `done`, `failed` and `allDone`.
  constructor({ send, sendAll, newestOf, on }) {
    this.send = send;
    this.sendAll = sendAll;
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
    const command = this.begin(this.newestOf(id) ?? { id, revision: 0 }, name);
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
      this.on.failed(id, error, again);
    }
    this.on.change();
  }

  // One command on several incidents, as one request.
  async runAll(ids, name, body, key = newKey()) {
    const free = ids.filter((id) => !this.pending.has(id) && this.newestOf(id));
    const commands = new Map(free.map((id) => [id, this.begin(this.newestOf(id), name)]));
    this.on.change();
    const failed = (id, message) => {
      this.pending.delete(id);
      this.errors.set(id, { message, again: null });
    };
    try {
      const results = await this.sendAll(free, name, body, key);
      for (const { id, ok, error } of results) {
        if (ok) this.answered(id, commands.get(id));
        else failed(id, error.detail);
      }
      this.on.allDone(name, results);
    } catch (error) {
      for (const id of free) failed(id, error.message);
      const again = error.temporary ? () => this.runAll(free, name, body, key) : null;
      this.on.failed(null, error, again);
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
