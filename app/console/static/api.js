// Calls of the service, with the viewer's token. A refusal becomes a Problem, which knows what it takes.
import { about, expired, session } from "./session.js";
import { language } from "./words.js";

export class Problem extends Error {
  constructor(status, body, permission, after = 0) {
    super(body.detail ?? "");
    Object.assign(this, { status, body, permission, after });
  }
}

async function send(method, path, { body, accept = "application/json", signal } = {}) {
  const permission = `${method} ${path.split("?")[0]}`;
  const headers = { Authorization: `Bearer ${session.token}`, Accept: accept, "Accept-Language": language() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(about.base + path, {
      method, headers, signal, cache: "no-store", credentials: "omit",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, {}, permission);
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 401) expired();
  throw new Problem(answer.status, problem, permission, Number(answer.headers.get("Retry-After") ?? 0));
}

export const get = async (path, options) => (await send("GET", path, options)).json();
export const text = async (path, options) => (await send("GET", path, options)).text();
export const post = async (path, body, options) => (await send("POST", path, { ...options, body })).json();

// Server-sent events by fetch: an EventSource cannot carry a token in a header.
export async function* events(path, signal) {
  const answer = await send("GET", path, { accept: "text/event-stream", signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  while (true) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const event = { kind: "message", data: "" };
      for (const line of part.split("\n")) {
        if (line.startsWith("event: ")) event.kind = line.slice(7);
        else if (line.startsWith("data: ")) event.data += line.slice(6);
      }
      if (event.data) yield { kind: event.kind, data: JSON.parse(event.data) };
    }
  }
}

// What several views show, asked for once as long as the document stays the same.
let kept = new Map();
export function once(path) {
  if (!kept.has(path)) {
    const asked = get(path);
    kept.set(path, asked);
    asked.catch(() => kept.delete(path));
  }
  return kept.get(path);
}
export const forget = () => { kept = new Map(); };
