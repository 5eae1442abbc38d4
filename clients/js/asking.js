import { ClientError, troubled } from "./errors.js";
import { linked } from "./waiting.js";

/** Longest that an answer is waited for, in milliseconds. */
const PATIENCE = 30_000;

/**
 * Ask for something, and give it up where it takes too long.
 *
 * @template Answer
 * @param {import("./waiting.js").Clock} clock
 * @param {AbortSignal | undefined} signal Gives it up.
 * @param {(signal: AbortSignal) => Promise<Answer>} ask
 * @returns {Promise<Answer>} Rejects with a `ClientError`, or with the reason of the signal.
 */
export async function inTime(clock, signal, ask) {
  const { own, unlink } = linked(signal);
  const late = () => own.abort(new ClientError("late", "no answer in time", { passing: true }));
  const timer = clock.set(late, PATIENCE);
  try {
    return await ask(own.signal);
  } catch (error) {
    throw signal?.aborted ? signal.reason : troubled(error);
  } finally {
    clock.clear(timer);
    unlink();
  }
}
