/** The way to a Runrelay server: its API over HTTP, and its streams of states. */

import { inTime } from "./asking.js";
import { refusal } from "./errors.js";
import { newId } from "./ids.js";
import { Stream } from "./stream.js";
import { Tokens } from "./tokens.js";
import { backoff, wait } from "./waiting.js";

/** How often something is asked: all that is asked here may be asked again, an order by its key. */
const TRIES = 4;
/** Milliseconds before the second try. */
const FIRST = 500;

export class Runrelay {
  /**
   * @param {object} options
   * @param {string} options.server Its address; empty: the page's own.
   * @param {string | (() => string | Promise<string>)} [options.token]
   * @param {typeof globalThis.fetch} options.fetch
   * @param {import("./waiting.js").Clock} options.clock
   */
  constructor({ server, token, fetch, clock }) {
    this.#base = server.replace(/\/+$/, "");
    this.#tokens = new Tokens(token);
    this.#fetch = fetch;
    this.#clock = clock;
  }

  #base;
  #tokens;
  #fetch;
  #clock;

  /** Follow one generation until the signal comes. */
  follow(id, sink, signal) {
    this.#follow(`${path("generations", id)}/events`, sink, signal);
  }

  /** Follow all that fits a query and that the token may see. */
  followAll(query, sink, signal) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const asked = new URLSearchParams(given).toString();
    this.#follow(asked ? `/api/events?${asked}` : "/api/events", sink, signal);
  }

  /**
   * Return the state of what was ordered.
   *
   * @param {object} order
   * @param {{idempotencyKey?: string, signal?: AbortSignal}} options
   */
  start(order, { idempotencyKey = newId(), signal }) {
    const headers = { "Content-Type": "application/json", "Idempotency-Key": idempotencyKey };
    const init = { method: "POST", headers, body: JSON.stringify(order), signal };
    return this.#json("/api/generations", init);
  }

  read(id, signal) {
    return this.#json(path("generations", id), { signal });
  }

  readJob(id, signal) {
    return this.#json(path("jobs", id), { signal });
  }

  cancel(id) {
    return this.#json(`${path("generations", id)}/cancel`, { method: "POST" });
  }

  /** Return the newest preview and its mark, which changes with it; null where there is none. */
  async picture(id) {
    const read = async (answer) => ({
      mark: answer.headers.get("ETag"),
      blob: await answer.blob(),
    });
    try {
      return await this.#asked(`${path("generations", id)}/preview`, {}, read);
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  }

  #follow(address, sink, signal) {
    const open = (init) => this.#open(address, { ...init, cache: "no-store" });
    new Stream(open, this.#tokens, sink, this.#clock).follow(signal);
  }

  async #json(address, init) {
    const { signal } = init;
    for (let tries = 1; ; tries++) {
      try {
        return await this.#asked(address, init, (answer) => answer.json());
      } catch (error) {
        if (tries === TRIES || signal?.aborted || !error.passing) throw error;
        const due = Math.max((error.after ?? 0) * 1_000, backoff(this.#clock, FIRST, tries - 1));
        await wait(this.#clock, due, signal ?? NEVER);
      }
    }
  }

  /** Return what is read of an answer. */
  #asked(address, init, read) {
    return inTime(this.#clock, init.signal, async (signal) => {
      const { answer } = await this.#open(address, { ...init, signal });
      return await read(answer);
    });
  }

  /** Return an answer that is a success, and the token that it was given for. */
  async #open(address, init) {
    for (let renewed = false; ; renewed = true) {
      const token = await this.#tokens.get();
      const headers = { ...init.headers };
      if (token !== null) headers.Authorization = `Bearer ${token}`;
      // A token stands alone: who is signed in on the same page has nothing to do with it.
      const credentials = this.#tokens.any ? "omit" : "same-origin";
      const answer = await this.#fetch(this.#base + address, { ...init, headers, credentials });
      if (answer.ok) return { answer, token };
      const refused = await refusal(answer);
      if (answer.status !== 401 || renewed || !(await this.#tokens.renew(token))) throw refused;
    }
  }
}

const NEVER = new AbortController().signal;

function path(kind, id) {
  return `/api/${kind}/${encodeURIComponent(id)}`;
}
