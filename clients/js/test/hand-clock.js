import { bounded } from "./hearing.js";

/** A clock that stands still until a test moves it. */
export class HandClock {
  #now = Date.parse("2026-11-22T12:00:00Z");
  #timers = new Map();
  #next = 1;
  #waiting = [];

  now = () => this.#now;
  random = () => 0;

  set = (act, milliseconds) => {
    const timer = this.#next++;
    this.#timers.set(timer, { act, milliseconds, at: this.#now + milliseconds });
    this.#waiting = this.#waiting.filter((look) => !look());
    return timer;
  };

  clear = (timer) => {
    this.#timers.delete(timer);
  };

  /** Resolves once something waits for so long. */
  waits(milliseconds) {
    const there = () => [...this.#timers.values()].some((one) => one.milliseconds === milliseconds);
    const coming = new Promise((resolve) => {
      const look = () => there() && (resolve(null), true);
      if (!look()) this.#waiting.push(look);
    });
    return bounded(coming, `a wait of ${milliseconds} ms`);
  }

  /** Move on, and do what is due by then. */
  advance(milliseconds) {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end);
      if (!due.length) break;
      const [timer, { act, at }] = due.sort(([, one], [, other]) => one.at - other.at)[0];
      this.#timers.delete(timer);
      this.#now = at;
      act();
    }
    this.#now = end;
  }

  /** Wait until something waits for so long, and then that long. */
  async pass(milliseconds) {
    await this.waits(milliseconds);
    this.advance(milliseconds);
  }

  /** Sleep as a machine does: the time of day moves on, and no timer with it. */
  sleep(milliseconds) {
    this.#now += milliseconds;
    for (const timer of this.#timers.values()) timer.at += milliseconds;
  }
}
