// Asks the server which of the changed incidents match the filter, one question at a time.

import { inTime } from "./timers.js";

const IDS_MAX = 50; // The server takes no more values of one parameter.
const RETRY_MS = 2000;

export class Matching {
  // `ask` takes ids and promises those incidents among them that match; `onAnswer` gets them and
  // the ids of the others.
  constructor({ ask, onAnswer, onError, later = inTime }) {
    this.ask = ask;
    this.onAnswer = onAnswer;
    this.onError = onError;
    this.later = later;
    this.waiting = new Set();
    this.asking = false;
    this.round = 0;
  }

  add(ids) {
    for (const id of ids) this.waiting.add(id);
    this.run();
  }

  // Forget all questions: the list is read anew, perhaps through another filter.
  reset() {
    this.waiting.clear();
    this.round += 1;
  }

  async run() {
    if (this.asking) return;
    this.asking = true;
    while (this.waiting.size) {
      if (!(await this.askNext())) break;
    }
    this.asking = false;
  }

  // False where there was no answer: the question is put again after a while.
  async askNext() {
    const round = this.round;
    const ids = [...this.waiting].slice(0, IDS_MAX);
    for (const id of ids) this.waiting.delete(id);
    try {
      const matching = await this.ask(ids);
      if (round !== this.round) return true;
      const matched = new Set(matching.map((incident) => incident.id));
      const others = ids.filter((id) => !matched.has(id));
      this.onAnswer(matching, others);
      return true;
    } catch (error) {
      if (round !== this.round) return true;
      for (const id of ids) this.waiting.add(id);
      this.onError(error);
      this.later(() => this.run(), RETRY_MS);
      return false;
    }
  }
}
