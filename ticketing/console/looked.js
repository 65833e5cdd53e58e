// What is new since the reader looked last: kept in this browser, by the time when the page was
// left.

const KEY = "looked-at";

function read() {
  try {
    return Number(localStorage.getItem(KEY)) || null;
  } catch {
    return null;
  }
}

function write(at) {
  try {
    localStorage.setItem(KEY, String(at));
  } catch {
    // Storage is forbidden here: the marks last as long as the page.
  }
}

export class Looked {
  // For who comes for the first time, what comes later is new.
  constructor(now = Date.now()) {
    this.at = read() ?? now;
  }

  // The reader leaves, or has seen everything.
  left(now = Date.now()) {
    write(now);
  }

  back() {
    this.at = read() ?? this.at;
  }

  // All of these have been seen; the clock of the server may be ahead.
  seen(incidents, now = Date.now()) {
    this.at = Math.max(now, ...incidents.map(({ createdAt }) => Date.parse(createdAt)));
    this.left(this.at);
  }

  isNew({ createdAt }) {
    return Date.parse(createdAt) > this.at;
  }
}
