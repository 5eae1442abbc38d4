/** What runs cost while they run: nobody has told it yet, but the rate is known. */

const SECONDS = { second: 1, minute: 60, hour: 3600 };

/**
 * Return what a run has cost so far, in USD.
 *
 * @param {any} state
 * @param {number} now Milliseconds.
 * @returns {{usd: number, exact: boolean} | null} Null where nobody knows.
 */
export function costOf(state, now) {
  if (state.costUsd !== null && state.costUsd !== undefined)
    return { usd: Number(state.costUsd), exact: true };
  const rate = state.metadata?.costRate;
  const before = /** @type {any[]} */ (state.runs ?? []).reduce(
    (sum, run) => sum + Number(run.costUsd ?? 0),
    0,
  );
  if (!rate || !state.startedAt) return before ? { usd: before, exact: false } : null;
  const amount = Number(rate.amount);
  if (rate.unit === "run") return { usd: before + amount, exact: false };
  const end = state.responseTimestamp ? Date.parse(state.responseTimestamp) : now;
  const seconds = Math.max(0, end - Date.parse(state.startedAt)) / 1000;
  return {
    usd: before + (amount * seconds) / SECONDS[/** @type {"second"} */ (rate.unit)],
    exact: false,
  };
}

/**
 * Return what a job has cost so far, in USD.
 *
 * @param {any} job As lists show it.
 * @param {Map<string, any>} states Its generations that are at hand.
 * @param {number} now
 * @returns {{usd: number, exact: boolean} | null}
 */
export function costOfJob(job, states, now) {
  const parts = job.steps.map((/** @type {any} */ step) => {
    const state = states.get(step.generation);
    if (state) return costOf(state, now);
    return step.costUsd === null || step.costUsd === undefined
      ? null
      : { usd: Number(step.costUsd), exact: true };
  });
  const known = parts.filter((/** @type {any} */ each) => each !== null);
  if (known.length === 0) return null;
  return {
    usd: known.reduce((/** @type {number} */ sum, /** @type {any} */ each) => sum + each.usd, 0),
    exact: known.every((/** @type {any} */ each) => each.exact),
  };
}
