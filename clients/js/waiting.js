/** Waiting: for a while, for longer with each failure, and for a sign of life. */

/**
 * Where time comes from. Another one may be given for tests.
 *
 * @typedef {import("./comfyui-client.js").Clock} Clock
 * @type {Clock}
 */
export const CLOCK = {
  now: () => Date.now(),
  set: (act, milliseconds) => setTimeout(act, milliseconds),
  clear: (timer) => clearTimeout(/** @type {number} */ (timer)),
  random: () => Math.random(),
};

/** Longest wait between two tries, in milliseconds. */
const MOST = 30_000;
/** How long nothing may come before a connection is taken for dead: the server says something
 * every 15 s. */
export const SILENCE = 40_000;
/** How often that is looked at. A machine that slept has its timers late: they look at the time
 * of day, so that it is noticed within this much of waking up. */
const LOOK = 5_000;

/**
 * Return how long to wait before the next try: twice as long each time up to half a minute, and
 * of that a random half, so that a hundred that were cut off at once do not come back at once.
 *
 * @param {Clock} clock
 * @param {number} first Milliseconds before the first try.
 * @param {number} tries How many have failed since.
 */
export function backoff(clock, first, tries) {
  return Math.min(MOST, first * 2 ** Math.min(tries, 16)) * (1 - clock.random() / 2);
}

/**
 * Wait; less long where the page comes to the fore again, or the network is back.
 *
 * @param {Clock} clock
 * @param {number} milliseconds
 * @param {AbortSignal} signal Ends it at once.
 * @returns {Promise<void>} Resolves in any case.
 */
export function wait(clock, milliseconds, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = clock.set(end, milliseconds);
    const asleep = onWaking(end);
    signal.addEventListener("abort", end);
    function end() {
      clock.clear(timer);
      asleep();
      signal.removeEventListener("abort", end);
      resolve();
    }
  });
}

/**
 * Call when the page comes to the fore, or the network is back. Outside a browser: never.
 *
 * @param {() => void} act
 * @returns {() => void} Ends it.
 */
export function onWaking(act) {
  const page = globalThis.document;
  if (!page) return () => {};
  const seen = () => page.visibilityState === "visible" && act();
  page.addEventListener("visibilitychange", seen);
  globalThis.addEventListener("online", act);
  return () => {
    page.removeEventListener("visibilitychange", seen);
    globalThis.removeEventListener("online", act);
  };
}

/** Notices that a connection has been silent for too long. */
export class Watchdog {
  /**
   * @param {Clock} clock
   * @param {number} most Milliseconds of silence.
   * @param {() => void} bark Called once.
   */
  constructor(clock, most, bark) {
    this.#clock = clock;
    this.#most = most;
    this.#bark = bark;
    this.#asleep = onWaking(() => this.#look());
    this.heard();
    this.#arm();
  }

  #clock;
  #most;
  #bark;
  #asleep;
  #at = 0;
  #timer;

  /** Take note of a sign of life. */
  heard() {
    this.#at = this.#clock.now();
  }

  /** Watch no more. */
  end() {
    this.#clock.clear(this.#timer);
    this.#asleep();
  }

  #arm() {
    this.#timer = this.#clock.set(
      () => {
        this.#arm();
        this.#look();
      },
      Math.min(LOOK, this.#most),
    );
  }

  #look() {
    if (this.#clock.now() - this.#at < this.#most) return;
    this.end();
    this.#bark();
  }
}

/**
 * Return a signal of one's own that ends with any of others.
 *
 * @param {...(AbortSignal | null | undefined)} signals
 * @returns {{own: AbortController, unlink: () => void}}
 */
export function linked(...signals) {
  const own = new AbortController();
  const end = (event) => own.abort(event.target.reason);
  for (const signal of signals) {
    if (signal?.aborted) own.abort(signal.reason);
    signal?.addEventListener("abort", end);
  }
  const unlink = () => signals.forEach((signal) => signal?.removeEventListener("abort", end));
  return { own, unlink };
}
