// Talks to the API: the token, requests, problems, and the stream of changes.

const BASE = new URL(".", document.baseURI);
const RECONNECT_MS_MIN = 1000;
const RECONNECT_MS_MAX = 15000;
const SILENCE_MS_MAX = 40000; // Two heartbeats and some.
const TOKEN = "ticketing-token";

export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.detail || body.title || `The server answered ${status}.`);
    this.status = status;
    this.body = body;
    this.retryAfter = retryAfter;
  }
}

export const token = {
  get: () => sessionStorage.getItem(TOKEN) || "",
  set: (value) => sessionStorage.setItem(TOKEN, value),
};

function headers(extra) {
  const known = token.get();
  return known ? { ...extra, Authorization: `Bearer ${known}` } : { ...extra };
}

async function send(path, options = {}) {
  let answer;
  try {
    answer = await fetch(new URL(path, BASE), { cache: "no-store", ...options, headers: headers(options.headers) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: "The server can't be reached." });
  }
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => ({}));
  throw new Problem(answer.status, body, Number(answer.headers.get("Retry-After")) || 0);
}

export async function get(path, signal) {
  return (await send(path, { signal })).json();
}

// A page of the list, and the address of the next one.
export async function page(path, signal) {
  const answer = await send(path, { signal });
  const link = /<([^>]+)>;\s*rel="next"/.exec(answer.headers.get("Link") || "");
  const next = link ? new URL(link[1], answer.url).searchParams.get("cursor") : null;
  return { incidents: await answer.json(), next };
}

export async function command(id, action, body, key) {
  const path = `api/incidents/${encodeURIComponent(id)}/${action}`;
  const extra = { "Content-Type": "application/json", "Idempotency-Key": key };
  return (await send(path, { method: "POST", headers: extra, body: JSON.stringify(body) })).json();
}

// A key for one wish, kept when the wish is repeated.
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `console-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

// Listens for ever. EventSource can't send a token, so the stream is read by hand.
export function listen({ onEvent, onState }) {
  let pause = RECONNECT_MS_MIN;
  async function once() {
    const gone = new AbortController();
    let silence;
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => gone.abort(), SILENCE_MS_MAX);
    };
    try {
      heard();
      const answer = await send("api/v1/events", { signal: gone.signal });
      onState("live");
      pause = RECONNECT_MS_MIN;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let waiting = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        heard();
        waiting += value;
        const blocks = waiting.split("\n\n");
        waiting = blocks.pop();
        blocks.forEach((block) => dispatch(block, onEvent));
      }
    } finally {
      clearTimeout(silence);
    }
  }
  (async () => {
    for (;;) {
      try {
        await once();
        onState("waiting");
      } catch (error) {
        onState(error.status === 401 ? "locked" : "waiting", error);
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = token.get() ? Math.min(pause * 2, RECONNECT_MS_MAX) : RECONNECT_MS_MIN;
    }
  })();
}

function dispatch(block, onEvent) {
  let name = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  if (data.length) onEvent(name, JSON.parse(data.join("\n")));
}
