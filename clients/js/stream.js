/**
 * Follows a stream of states over HTTP, for as long as it is wanted: what breaks is begun anew
 * where it broke off.
 *
 * The server promises that versions only rise, that the newest state always comes, and that an
 * end is never left out. The id of an event is a place to resume from only once the snapshot, or
 * what was missed, is complete (`ready`): until then another connection begins where this one did.
 */

import { ClientError, troubled } from "./errors.js";
import { Reader } from "./events.js";
import { SILENCE, Watchdog, backoff, linked, wait } from "./waiting.js";

/** Milliseconds before the first try after a break, where the server does not say. */
const FIRST = 1_000;

const WORDS = {
  expired: "the token has expired, and there is none to follow it",
  signed_out: "signed out",
};

/**
 * @typedef {object} Sink Who is told.
 * @property {(state: import("./comfyui-client.js").State) => void} generation
 * @property {(job: import("./comfyui-client.js").Job) => void} [job]
 * @property {(preview: {id: string, at: string}) => void} preview
 * @property {() => void} reset What follows up to `ready` is all that there is.
 * @property {() => void} ready
 * @property {(connected: boolean, error: unknown) => void} connected
 * @property {(error: ClientError) => void} failed It cannot go on; the last that is said.
 */

/** One stream, over as many connections as it takes. */
export class Stream {
  /**
   * @param {(init: {headers: Record<string, string>, signal: AbortSignal}) =>
   *   Promise<{answer: Response, token: string | null}>} open Asks for it.
   * @param {import("./tokens.js").Tokens} tokens
   * @param {Sink} sink
   * @param {import("./waiting.js").Clock} clock
   */
  constructor(open, tokens, sink, clock) {
    this.#open = open;
    this.#tokens = tokens;
    this.#sink = sink;
    this.#clock = clock;
  }

  #open;
  #tokens;
  #sink;
  #clock;
  #after = null;
  #first = FIRST;
  #tries = 0;
  #ready = false;

  /**
   * Follow it until the signal ends it, or the server does for good.
   *
   * @param {AbortSignal} signal
   * @returns {Promise<void>} Never rejects; nobody is told anything once the signal has come.
   */
  async follow(signal) {
    while (!signal.aborted) {
      this.#ready = false;
      let trouble = null;
      let again = false;
      try {
        again = await this.#connect(signal);
      } catch (error) {
        trouble = troubled(error);
      }
      if (signal.aborted) return;
      this.#sink.connected(false, trouble);
      if (trouble && !trouble.passing) return this.#sink.failed(trouble);
      if (this.#ready) this.#tries = 0;
      if (!(again && this.#ready)) await this.#wait(trouble, signal);
    }
  }

  async #wait(trouble, signal) {
    const asked = (trouble?.after ?? 0) * 1_000;
    const due = backoff(this.#clock, this.#first, this.#tries++);
    await wait(this.#clock, Math.max(asked, due), signal);
  }

  /** Return whether to connect again at once; throws what is in the way. */
  async #connect(signal) {
    const { own, unlink } = linked(signal);
    const silence = () =>
      own.abort(new ClientError("silent", "nothing came for too long", { passing: true }));
    const watchdog = new Watchdog(this.#clock, SILENCE, silence);
    try {
      const headers = { Accept: "text/event-stream" };
      if (this.#after !== null) headers["Last-Event-ID"] = this.#after;
      const { answer, token } = await this.#open({ headers, signal: own.signal });
      watchdog.heard();
      return await this.#read(answer, token, watchdog, own.signal);
    } finally {
      watchdog.end();
      unlink();
      own.abort();
    }
  }

  async #read(answer, token, watchdog, signal) {
    const reader = new Reader();
    const decoder = new TextDecoder();
    const pieces = answer.body.getReader();
    while (true) {
      const { done, value } = await pieces.read();
      // A page that is over is told nothing, though the piece was here already.
      if (done || signal.aborted) return false;
      watchdog.heard();
      for (const event of reader.feed(decoder.decode(value, { stream: true }))) {
        if (event.kind === "bye") return await this.#bye(JSON.parse(event.data), token);
        this.#take(event);
        if (signal.aborted) return false;
      }
      this.#first = reader.retry ?? this.#first;
    }
  }

  async #bye({ reason, again }, token) {
    const expired = reason === "expired";
    if (expired ? await this.#tokens.renew(token) : again) return expired;
    throw new ClientError(reason, WORDS[reason] ?? `the server ended it: ${reason}`);
  }

  #take({ kind, data, id }) {
    const told = JSON.parse(data);
    if (kind === "reset") {
      this.#after = null;
      this.#ready = false;
      this.#sink.reset();
    } else if (kind === "ready") {
      this.#ready = true;
      this.#sink.connected(true, null);
      this.#sink.ready();
    } else if (kind === "generation" || kind === "job" || kind === "preview") {
      this.#sink[kind]?.(told);
    }
    if (this.#ready && id !== null) this.#after = id;
  }
}
