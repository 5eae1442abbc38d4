import assert from "node:assert/strict";
import { test } from "node:test";
import { Watchdog, backoff, linked, wait } from "../waiting.js";
import { HandClock } from "./hand-clock.js";

test("waits double up to half a minute, and are shortened by half at most", () => {
  const clock = new HandClock();
  const waits = [0, 1, 2, 5, 6, 100].map((tries) => backoff(clock, 500, tries));
  assert.deepEqual(waits, [500, 1000, 2000, 16_000, 30_000, 30_000]);
  assert.equal(backoff(Object.assign(clock, { random: () => 1 }), 500, 1), 500);
});

test("silence is noticed once, and soon after a machine woke up", () => {
  const clock = new HandClock();
  let barks = 0;
  const watchdog = new Watchdog(clock, 40_000, () => barks++);
  clock.advance(39_000);
  watchdog.heard();
  clock.advance(39_000);
  assert.equal(barks, 0);
  clock.sleep(3_600_000);
  clock.advance(5_000);
  assert.equal(barks, 1);
  clock.advance(100_000);
  assert.equal(barks, 1);
});

test("a wait is over when its signal comes, or has come", async () => {
  const clock = new HandClock();
  const ending = new AbortController();
  const waited = wait(clock, 1_000_000, ending.signal);
  ending.abort();
  await waited;
  await wait(clock, 1_000_000, ending.signal);
});

test("a wait is over when the page comes to the fore, or the network is back", async () => {
  const clock = new HandClock();
  const page = /** @type {any} */ (new EventTarget());
  const window = new EventTarget();
  const own = ["addEventListener", "removeEventListener"];
  globalThis.document = Object.assign(page, { visibilityState: "hidden" });
  for (const each of own) globalThis[each] = window[each].bind(window);
  try {
    const { signal } = new AbortController();
    const hidden = wait(clock, 1_000_000, signal);
    page.dispatchEvent(new Event("visibilitychange"));
    assert.equal(await Promise.race([hidden, Promise.resolve("waits")]), "waits");
    page.visibilityState = "visible";
    page.dispatchEvent(new Event("visibilitychange"));
    await hidden;
    const waited = wait(clock, 1_000_000, signal);
    window.dispatchEvent(new Event("online"));
    await waited;
  } finally {
    for (const each of ["document", ...own]) delete globalThis[each];
  }
});

test("a signal ends with any of those it is linked to, unless it was unlinked", () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const both = linked(one.signal, undefined, other.signal);
  const loose = linked(one.signal);
  loose.unlink();
  one.abort("why");
  assert.equal(both.own.signal.reason, "why");
  assert.equal(loose.own.signal.aborted, false);
  assert.equal(linked(one.signal).own.signal.reason, "why");
});
