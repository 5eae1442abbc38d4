import { RunError } from "./errors.js";
import { hasMoved, isOver, isServed, isSettled } from "./states.js";
import { linked } from "./waiting.js";

/** Milliseconds after its end for which a run is followed on: its copies and its price come. */
const LINGER = 10_000;

/**
 * Tell listeners of something.
 *
 * @param {EventTarget} target
 * @param {string} kind
 * @param {unknown} detail
 */
export function tell(target, kind, detail) {
  target.dispatchEvent(new CustomEvent(kind, { detail }));
}

/**
 * Have the callbacks among the options called: `onChange` with the detail of `change`.
 *
 * @param {EventTarget} target
 * @param {string[]} kinds
 * @param {any} options
 */
export function listen(target, kinds, options) {
  for (const kind of kinds) {
    const act = options[`on${kind[0].toUpperCase()}${kind.slice(1)}`];
    if (act)
      target.addEventListener(kind, (event) => act(/** @type {CustomEvent} */ (event).detail));
  }
}

const KINDS = ["progress", "preview", "complete", "error", "change", "connection"];

/** One run that is watched; its events are described in `comfyui-client.d.ts`. */
export class Run extends EventTarget {
  /**
   * @param {import("./client.js").Inside} inside Of the client that it is watched by.
   * @param {string} id
   * @param {import("./comfyui-client.js").WatchOptions} options
   * @param {import("./comfyui-client.js").State} [state] What is known of it already.
   */
  constructor({ way, pictures, clock, closed }, id, options, state) {
    super();
    this.id = id;
    this.#way = way;
    this.#pictures = pictures;
    this.#clock = clock;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Who does not ask how it went is not to be stopped by it.
    this.done.catch(() => {});
    listen(this, KINDS, options);
    this.#link = linked(options.signal, closed);
    this.#signal.addEventListener("abort", () => this.#end());
    if (state) this.#take(state);
    if (this.#signal.aborted) this.#end();
    else this.#follow();
  }

  /** @type {import("./comfyui-client.js").State | null} */
  state = null;
  /** @type {string | null} */
  preview = null;
  connected = false;

  #way;
  #pictures;
  #clock;
  #link;
  #resolve;
  #reject;
  #told = false;
  #lingering = null;
  #showing = false;
  #announced = null;

  /** Want it cancelled; resolves with its state, which need not be an end yet. */
  async cancel() {
    const state = await this.#way.cancel(this.id);
    this.#take(state);
    return state;
  }

  /** Watch no more. The run itself goes on. */
  close() {
    this.#link.own.abort();
  }

  get #signal() {
    return this.#link.own.signal;
  }

  #follow() {
    const sink = {
      generation: (state) => this.#take(state),
      preview: (preview) => this.#show(preview),
      reset: () => {},
      ready: () => {},
      connected: (connected, error) => this.#connected(connected, error),
      failed: (error) => this.#fail(error),
    };
    this.#way.follow(this.id, sink, this.#signal);
  }

  #take(state) {
    const before = this.state;
    if (this.#signal.aborted || (before && state.version <= before.version)) return;
    this.state = state;
    tell(this, "change", state);
    if (hasMoved(before, state)) tell(this, "progress", state);
    if (!isOver(state)) return;
    if (state.status !== "completed" || isServed(state)) this.#tellEnd();
    if (isSettled(state)) this.close();
    else if (!this.#signal.aborted)
      this.#lingering ??= this.#clock.set(() => this.#linger(), LINGER);
  }

  #linger() {
    this.#tellEnd();
    this.close();
  }

  #tellEnd() {
    if (this.#told || this.#signal.aborted) return;
    this.#told = true;
    this.#resolve(this.state);
    if (this.state.status === "completed") tell(this, "complete", this.state);
    else tell(this, "error", new RunError(this.state));
  }

  #connected(connected, error) {
    if (this.#signal.aborted) return;
    this.connected = connected;
    tell(this, "connection", { connected, error });
  }

  /** Fetch the newest picture; what is announced meanwhile is fetched after it, once. */
  async #show(preview) {
    this.#announced = preview;
    if (this.#showing) return;
    this.#showing = true;
    while (this.#announced && !this.#signal.aborted) {
      const { id, at } = this.#announced;
      this.#announced = null;
      const url = await this.#pictures.get(id).catch(() => null);
      if (!url || this.#signal.aborted) continue;
      this.preview = url;
      tell(this, "preview", { id, at, url });
    }
    this.#showing = false;
  }

  #fail(error) {
    if (this.#signal.aborted) return;
    this.#reject(error);
    const told = this.#told;
    this.#told = true;
    if (!told) tell(this, "error", error);
    this.close();
  }

  #end() {
    this.#clock.clear(this.#lingering);
    this.#link.unlink();
    this.connected = false;
    this.#reject(this.#signal.reason);
  }
}
