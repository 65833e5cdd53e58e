// The stream of changes. EventSource can't send a token, so the stream is read by hand.

import { send, token } from "./api.js";

const RECONNECT_MS_MIN = 1000;
const RECONNECT_MS_MAX = 15_000;
const POLL_MS = 10_000; // Where the server has no stream to spare.
const SILENCE_MS_MAX = 40_000; // Two of the server's heartbeats, and ten seconds of patience.

// Takes the text of a stream of server-sent events, piece by piece.
export class EventParser {
  constructor() {
    this.unfinished = "";
  }

  // The events that a piece completes, as `{name, data, id}`; `id` is null where it has none.
  feed(text) {
    const blocks = (this.unfinished + text).split("\n\n");
    this.unfinished = blocks.pop();
    return blocks.map(parseBlock).filter((event) => event !== null);
  }
}

// Null for a block without data: a comment or a setting.
function parseBlock(block) {
  let name = "message";
  let id = null;
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice("event: ".length);
    if (line.startsWith("id: ")) id = line.slice("id: ".length);
    if (line.startsWith("data: ")) data.push(line.slice("data: ".length));
  }
  return data.length ? { name, data: JSON.parse(data.join("\n")), id } : null;
}

// The state that a failed attempt means, and the pause before the next one. A server that answers
// and has no stream to spare is asked again and again.
export function afterFailure(error, pause) {
  if (error?.status === 401) return { state: "locked", wait: pause };
  if (error?.status === 503)
    return { state: "polling", wait: Math.max(POLL_MS, error.retryMs ?? 0) };
  return { state: "waiting", wait: pause };
}

// Listens for as long as the page lives. States: "live", "waiting", "polling" (there is no stream
// for this page: whoever hears of it reads again) and "locked" (the token is refused). A stream
// goes on after the last event that was heard; where it cannot, the server says `reset`.
export async function listen({ onEvent, onState }) {
  let pause = RECONNECT_MS_MIN;
  let last = null;
  const onHeard = ({ name, data, id }) => {
    onEvent(name, data);
    last = id ?? last;
  };
  const onLive = () => {
    pause = RECONNECT_MS_MIN;
    onState("live");
  };
  for (;;) {
    const failure = await readStream(last, onHeard, onLive).catch((error) => error);
    const { state, wait } = afterFailure(failure, pause);
    onState(state);
    await wakeful(wait);
    // Without a token somebody is about to type one: the stream is to begin right after.
    pause = token.get() ? Math.min(pause * 2, RECONNECT_MS_MAX) : RECONNECT_MS_MIN;
  }
}

// A pause that ends early when the network is back.
function wakeful(ms) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    addEventListener("online", () => resolve(clearTimeout(timer)), { once: true });
  });
}

async function readStream(last, onHeard, onLive) {
  const silent = new AbortController();
  let timer = 0;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silent.abort(), SILENCE_MS_MAX);
  };
  try {
    heard();
    const headers = last ? { "Last-Event-ID": last } : {};
    const response = await send("api/v1/events", { headers, signal: silent.signal });
    onLive();
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      heard();
      for (const event of parser.feed(value)) onHeard(event);
    }
  } finally {
    clearTimeout(timer);
  }
}
