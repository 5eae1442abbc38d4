import { listen, tell } from "./run.js";
import { isOver } from "./states.js";
import { linked, wait } from "./waiting.js";

/** How many that are over are kept; those that ended first go first. */
const KEPT = 500;
/** How many are read at once, after a break, and milliseconds before what failed is read again. */
const AT_ONCE = 4;
const AGAIN = 2_000;

const KINDS = ["change", "job", "ready", "preview", "error", "connection"];

/** Records of one kind, by id, of which only newer versions are taken. */
class Shelf {
  constructor(told, read) {
    this.#told = told;
    this.read = read;
  }

  /** @type {Map<string, {version: number, status: string}>} */
  records = new Map();
  /** Those that were shown as open before a snapshot, and are not in it. */
  missing = new Set();
  #told;
  #over = new Set();

  take(record) {
    const { id } = record;
    this.missing.delete(id);
    const known = this.records.get(id);
    if (known && record.version <= known.version) return;
    this.records.set(id, record);
    if (isOver(record)) this.#over.add(id);
    else this.#over.delete(id);
    this.#told(id, record);
    if (this.#over.size > KEPT) this.drop(this.#over.values().next().value);
  }

  drop(id) {
    this.missing.delete(id);
    this.#over.delete(id);
    if (this.records.delete(id)) this.#told(id, null);
  }

  doubt() {
    for (const [id, record] of this.records) if (!isOver(record)) this.missing.add(id);
  }
}

/** All runs that fit a query, and their jobs; events are described in `comfyui-client.d.ts`. */
export class Runs extends EventTarget {
  /**
   * @param {import("./client.js").Inside} inside Of the client that they are watched by.
   * @param {import("./comfyui-client.js").WatchAllOptions} options
   */
  constructor({ way, clock, closed }, { user, job, status, signal, ...options }) {
    super();
    this.#clock = clock;
    this.#runs = new Shelf(
      (id, state) => tell(this, "change", { id, state }),
      (id) => way.read(id, this.#signal),
    );
    this.#jobs = new Shelf(
      (id, told) => tell(this, "job", { id, job: told }),
      (id) => way.readJob(id, this.#signal),
    );
    this.states = this.#runs.records;
    this.jobs = this.#jobs.records;
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.ready.catch(() => {});
    listen(this, KINDS, options);
    this.#link = linked(signal, closed);
    this.#signal.addEventListener("abort", () => this.#end());
    if (this.#signal.aborted) this.#end();
    else way.followAll({ user, job, status }, this.#sink(), this.#signal);
  }

  connected = false;

  #clock;
  #runs;
  #jobs;
  #link;
  #resolve;
  #reject;
  #catching = false;

  /** Watch no more. */
  close() {
    this.#link.own.abort();
  }

  get #signal() {
    return this.#link.own.signal;
  }

  #sink() {
    const open =
      (act) =>
      (...given) =>
        this.#signal.aborted || act(...given);
    return {
      generation: open((state) => this.#runs.take(state)),
      job: open((job) => this.#jobs.take(job)),
      preview: open((preview) => tell(this, "preview", preview)),
      reset: open(() => [this.#runs, this.#jobs].forEach((shelf) => shelf.doubt())),
      ready: open(() => this.#complete()),
      connected: open((connected, error) => {
        this.connected = connected;
        tell(this, "connection", { connected, error });
      }),
      failed: open((error) => {
        this.#reject(error);
        tell(this, "error", error);
        this.close();
      }),
    };
  }

  async #complete() {
    this.#resolve();
    tell(this, "ready", null);
    if (this.#catching) return;
    this.#catching = true;
    await Promise.all([this.#runs, this.#jobs].map((shelf) => this.#catchUp(shelf)));
    this.#catching = false;
  }

  /** Read what was shown as open and was not in the snapshot: it has ended, or is gone. */
  async #catchUp(shelf) {
    while (shelf.missing.size && !this.#signal.aborted) {
      const some = [...shelf.missing].slice(0, AT_ONCE);
      const read = await Promise.all(some.map((id) => this.#reread(shelf, id)));
      if (!read.some(Boolean)) await wait(this.#clock, AGAIN, this.#signal);
    }
  }

  /** Return whether it is known how it stands. */
  async #reread(shelf, id) {
    try {
      const record = await shelf.read(id);
      if (!this.#signal.aborted) shelf.take(record);
      return true;
    } catch (error) {
      if (this.#signal.aborted || error.passing) return false;
      // It was deleted; or nothing can be read any more, of which the stream says why.
      if (error.status === 404) shelf.drop(id);
      shelf.missing.delete(id);
      return true;
    }
  }

  #end() {
    this.#link.unlink();
    this.connected = false;
    this.#reject(this.#signal.reason);
  }
}
