/**
 * A client that is told what it hears.
 *
 * @typedef {import("runrelay-client").State} State
 * @typedef {import("runrelay-client").WatchOptions} WatchOptions
 * @typedef {import("runrelay-client").WatchAllOptions} WatchAllOptions
 */

import { act } from "./page.js";

/**
 * Return a state of a run.
 *
 * @param {object} [differing]
 * @returns {State}
 */
export function aState(differing = {}) {
  const state = {
    id: "01a2",
    version: 1,
    status: "queued",
    statusReason: null,
    progress: 0,
    liveStatus: null,
    queuePosition: null,
    durationSeconds: null,
    metadata: { preset: null },
    requestPayload: { inputs: { prompt: "a lighthouse" } },
    responsePayload: { outputs: [], error: null },
    ...differing,
  };
  return /** @type {State} */ (/** @type {unknown} */ (state));
}

/** @param {object} [differing] */
export function anOutput(differing = {}) {
  return { id: "9/images/0", kind: "image", mediaUrl: null, url: null, text: null, ...differing };
}

/** One run, or all, that somebody watches. */
class Watch {
  /** @param {any} options Who is told. */
  constructor(options) {
    this.options = options;
  }

  /** @type {State | null} */
  state = null;
  /** @type {string | null} */
  preview = null;
  connected = false;
  /** @type {Map<string, State>} */
  states = new Map();
  jobs = new Map();

  get closed() {
    return this.options.signal?.aborted ?? false;
  }

  /** @param {State} state */
  change(state) {
    return act(async () => this.options.onChange(state));
  }

  /** Of many: @param {State} state */
  set(state) {
    this.states.set(state.id, state);
    return act(async () => this.options.onChange({ id: state.id, state }));
  }

  /** Of many: @param {string} id */
  drop(id) {
    this.states.delete(id);
    return act(async () => this.options.onChange({ id, state: null }));
  }

  /** @param {object} preview */
  show(preview) {
    return act(async () => this.options.onPreview(preview));
  }

  /** Of many: @param {import("runrelay-client").Job} job */
  setJob(job) {
    this.jobs.set(job.id, job);
    return act(async () => this.options.onJob({ id: job.id, job }));
  }

  /** Of many: what there was at first is complete. */
  ready() {
    return act(async () => this.options.onReady());
  }

  /** @param {boolean} connected */
  connect(connected) {
    this.connected = connected;
    return act(async () => this.options.onConnection({ connected, error: null }));
  }

  /** @param {Error} error */
  fail(error) {
    return act(async () => this.options.onError(error));
  }
}

export class FakeClient {
  /** @type {{id: string | null, query: object, watch: Watch}[]} */
  all = [];
  /** @type {string[]} */
  cancelled = [];
  /** @type {Error | null} */
  refusal = null;

  /**
   * @param {string} id
   * @param {WatchOptions} options
   */
  watch(id, options) {
    this.all.push({ id, query: {}, watch: new Watch(options) });
    return this.newest;
  }

  /** @param {WatchAllOptions} options */
  watchAll({ user, job, status, ...options }) {
    this.all.push({ id: null, query: { user, job, status }, watch: new Watch(options) });
    return this.newest;
  }

  /** @param {string} id */
  async cancel(id) {
    if (this.refusal) throw this.refusal;
    this.cancelled.push(id);
    return aState({ id });
  }

  /** @param {string} id */
  async preview(id) {
    return `blob:${id}`;
  }

  /** What is watched last. */
  get newest() {
    const newest = this.all.at(-1);
    if (!newest) throw new Error("nothing is watched");
    return newest.watch;
  }

  /** How many are watched now. */
  get open() {
    return this.all.filter(({ watch }) => !watch.closed).length;
  }

  /** For who wants the real one. */
  get client() {
    return /** @type {import("runrelay-client").Client} */ (/** @type {unknown} */ (this));
  }
}
