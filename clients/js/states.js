/** What a state says. */

const ENDS = new Set(["completed", "failed", "cancelled", "timeout", "refused"]);
const SHOWN = ["status", "progress", "liveStatus", "queuePosition", "expectedStartAt", "attempt"];

/**
 * Return whether a run, or a job, is at its end.
 *
 * @param {{status: string} | null | undefined} state
 */
export function isOver(state) {
  return ENDS.has(state?.status);
}

/** Return whether a state shows more, or less, of the way than the one before. */
export function hasMoved(before, after) {
  return SHOWN.some((field) => before?.[field] !== after[field]);
}

/** Return whether all that a run has made can be had: our copies are made after its end. */
export function isServed(state) {
  return (state.responsePayload?.outputs ?? []).every(
    (output) => output.mediaUrl || output.url || output.notKept || output.kind === "text",
  );
}

/** Return whether nothing more is to come of a run: it is over, served, and paid for. */
export function isSettled(state) {
  return isOver(state) && isServed(state) && (!state.jobId || state.price !== null);
}
