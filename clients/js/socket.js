import { backoff, wait } from "./waiting.js";

/** Milliseconds before the first try after a break. */
const FIRST = 500;
/** Longest that a socket may take to open, or to close, in milliseconds. */
const SLOW = 10_000;

/**
 * One socket to a ComfyUI, opened anew when it breaks, until it is closed.
 *
 * Of two sockets with one client id the server forgets both when the older one closes: the newer
 * stays open and is told nothing any more. So there is never a second one before the first is gone.
 */
export class Socket {
  /**
   * @param {() => WebSocket} make Opens one.
   * @param {import("./waiting.js").Clock} clock
   * @param {{opened: () => void, closed: () => void, heard: (data: string | ArrayBuffer) => void}}
   *   told
   */
  constructor(make, clock, told) {
    this.#make = make;
    this.#clock = clock;
    this.#told = told;
  }

  #make;
  #clock;
  #told;
  #wanted = null;
  #going = null;
  #socket = null;
  #opening = null;
  #over;
  #timer;

  /** Whether it is open. */
  connected = false;

  /**
   * Open it, if it is not.
   *
   * @returns {Promise<void>} Resolves once it is open, or has failed to for the first time.
   */
  open() {
    if (this.#wanted) return this.#opening;
    this.#wanted = new AbortController();
    this.#opening = new Promise((resolve) => {
      this.#going = this.#keep(this.#wanted.signal, this.#going, resolve);
    });
    return this.#opening;
  }

  /** Close it, until it is opened again. */
  close() {
    this.#wanted?.abort();
    this.#wanted = null;
    this.renew();
  }

  /** Close it, and open another: it may be dead, or forgotten. */
  renew() {
    if (!this.#socket) return;
    this.#socket.close();
    // A socket to nowhere takes its time to say that it is closed.
    this.#clock.clear(this.#timer);
    this.#timer = this.#clock.set(this.#over, SLOW);
  }

  async #keep(signal, before, settled) {
    await before;
    for (let tries = 0; !signal.aborted; tries++) {
      // A page on https is not let make one to http at all.
      if (await this.#once(settled).catch(() => false)) tries = 0;
      settled();
      await wait(this.#clock, backoff(this.#clock, FIRST, tries), signal);
    }
    settled();
  }

  /** Have one socket for as long as it lasts; return whether it was ever open. */
  #once(settled) {
    return new Promise((resolve) => {
      const socket = this.#make();
      this.#socket = socket;
      this.#over = () => {
        if (this.#socket !== socket) return;
        const opened = this.connected;
        this.#clock.clear(this.#timer);
        this.#socket = null;
        this.connected = false;
        if (opened) this.#told.closed();
        resolve(opened);
      };
      this.#timer = this.#clock.set(() => this.renew(), SLOW);
      socket.binaryType = "arraybuffer";
      socket.addEventListener("open", () => {
        this.#clock.clear(this.#timer);
        this.connected = true;
        // The first word: only then previews say whose they are.
        const data = { supports_preview_metadata: true };
        socket.send(JSON.stringify({ type: "feature_flags", data }));
        this.#told.opened();
        settled();
      });
      socket.addEventListener("message", ({ data }) => this.#told.heard(data));
      socket.addEventListener("close", () => socket === this.#socket && this.#over());
      socket.addEventListener("error", () => {});
    });
  }
}
