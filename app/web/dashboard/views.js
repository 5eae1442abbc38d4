/**
 * What a card shows, worked out from records: of a job, or of a generation ordered by itself.
 */

import { isOver } from "./comfyui-client.js";
import { costOf, costOfJob } from "./costs.js";
import { STATUS, since, titleOf } from "./words.js";

const JOB_OPEN = new Set(["pending", "active"]);
const BEFORE_START = new Set(["waiting", "pending", "submitting", "queued"]);

/**
 * @typedef {object} View
 * @property {string} key Id of the job, or of the generation.
 * @property {"jobs" | "generations"} kind
 * @property {boolean} open Whether it has not ended.
 * @property {string} title A stranger's words.
 * @property {string} status
 * @property {string} said The status in words.
 * @property {string} about Preset, engine, step.
 * @property {number} progress From 0 to 1.
 * @property {string} now What is being done; the engine's words.
 * @property {number | null} elapsed Seconds; of its run, else of its wait; of a job since its order.
 * @property {boolean} started Whether it has begun to run.
 * @property {number | null} expected Seconds that it will probably take.
 * @property {number | null} startsIn Seconds until it probably starts.
 * @property {number | null} position In the queue.
 * @property {{usd: number, exact: boolean} | null} cost
 * @property {number | null} pausedAfter The step after which it waits for a word.
 * @property {boolean} cancelling
 * @property {string | null} picture Link of what was made so far.
 * @property {string | null} previewOf Id of the generation that may have a preview.
 * @property {string | null} needs Id of the job, if more of it has to be read to show it.
 */

/**
 * Return what the card of a generation shows.
 *
 * @param {any} state
 * @param {import("./expected.js").Expected} expected
 * @param {number} now
 * @returns {View}
 */
export function ofGeneration(state, expected, now) {
  const ran = since(state.startedAt, now);
  const starts = state.expectedStartAt
    ? Math.max(0, (Date.parse(state.expectedStartAt) - now) / 1000)
    : null;
  return {
    key: state.id,
    kind: "generations",
    open: !isOver(state),
    title: titleOf(state),
    status: state.status,
    said: wordOf(state),
    about: [state.metadata?.preset, state.engine, tries(state)].filter(Boolean).join(" · "),
    progress: state.progress ?? 0,
    now: state.liveStatus ?? "",
    elapsed: ran ?? since(state.requestTimestamp, now),
    started: ran !== null,
    expected: expected.of(state),
    startsIn: BEFORE_START.has(state.status) ? starts : null,
    position: BEFORE_START.has(state.status) ? (state.queuePosition ?? null) : null,
    cost: costOf(state, now),
    pausedAfter: null,
    cancelling: Boolean(state.cancelWanted),
    picture: pictureOf(state),
    previewOf: state.id,
    needs: null,
  };
}

/**
 * Return what the card of a job shows.
 *
 * @param {any} job As lists show it.
 * @param {Map<string, any>} states All generations at hand.
 * @param {import("./expected.js").Expected} expected
 * @param {number} now
 * @returns {View}
 */
export function ofJob(job, states, expected, now) {
  /** @type {any[]} */
  const made = job.steps
    .map((/** @type {any} */ step) => states.get(step.generation))
    .filter(Boolean);
  const open = made.filter((each) => !isOver(each));
  const busy =
    open.find((each) => !BEFORE_START.has(each.status)) ??
    open.find((each) => each.status !== "waiting") ??
    open[0];
  const shown = busy ?? made.at(-1);
  const base = shown ? ofGeneration(shown, expected, now) : nothing(job, now);
  const steps = job.of > 1 ? `step ${job.step} of ${job.of}` : null;
  const paused = job.pause?.step ?? null;
  return {
    ...base,
    key: job.id,
    kind: "jobs",
    open: JOB_OPEN.has(job.status),
    title: made[0] ? titleOf(made[0]) : base.title,
    status: paused === null ? base.status : "paused",
    said:
      paused === null
        ? busy || !made.length
          ? base.said
          : "Finishing"
        : `Waits for you after step ${paused}`,
    about: [steps, base.about].filter(Boolean).join(" · "),
    progress: progressOf(job, states),
    // Its steps begin one after another: the time of all of it goes on through them.
    elapsed: since(job.createdAt, now),
    started: made.some((each) => each.startedAt),
    expected: expectedOf(job, states, expected),
    cost: costOfJob(job, states, now),
    pausedAfter: paused,
    cancelling: Boolean(job.cancelWanted),
    picture: made.map(pictureOf).findLast(Boolean) ?? null,
    needs: job.steps.some((/** @type {any} */ step) => !states.has(step.generation))
      ? job.id
      : null,
  };
}

/** @returns {string} How a run stands, in words. */
function wordOf(/** @type {any} */ state) {
  if (state.cancelWanted && !isOver(state)) return "Being cancelled";
  return STATUS[/** @type {"queued"} */ (state.status)] ?? state.status;
}

function tries(/** @type {any} */ state) {
  return state.attempt > 1
    ? `try ${state.attempt} of ${Math.max(state.attempt, state.maxAttempts)}`
    : null;
}

/** Return how far all of a job has come: each of its parts counts the same. */
function progressOf(/** @type {any} */ job, /** @type {Map<string, any>} */ states) {
  const parts = job.steps.map((/** @type {any} */ step) => {
    const state = states.get(step.generation);
    if (!state) return step.status ? 1 : 0;
    return isOver(state) ? 1 : (state.progress ?? 0);
  });
  return (
    parts.reduce((/** @type {number} */ sum, /** @type {number} */ each) => sum + each, 0) /
    parts.length
  );
}

/** Return how many seconds all of a job will probably run; null where that of a step is unknown. */
function expectedOf(
  /** @type {any} */ job,
  /** @type {Map<string, any>} */ states,
  /** @type {import("./expected.js").Expected} */ expected,
) {
  const parts = job.steps.map((/** @type {any} */ step) => {
    const state = states.get(step.generation);
    if (state && isOver(state)) return state.durationSeconds;
    return expected.of(state ?? { metadata: { preset: step.preset } });
  });
  return parts.reduce(
    (/** @type {number | null} */ sum, /** @type {number | null} */ each) =>
      sum === null || each === null ? null : sum + each,
    0,
  );
}

function pictureOf(/** @type {any} */ state) {
  const outputs = state.responsePayload?.outputs ?? [];
  return (
    outputs.find((/** @type {any} */ each) => each.kind === "image" && each.mediaUrl)?.mediaUrl ??
    null
  );
}

/** Return what is known of a job none of whose generations is at hand. */
function nothing(/** @type {any} */ job, /** @type {number} */ now) {
  const first = job.steps[0];
  return /** @type {View} */ ({
    title: first.preset,
    status: job.status,
    said: STATUS[/** @type {"active"} */ (job.status)] ?? job.status,
    about: first.preset,
    now: "",
    elapsed: since(job.createdAt, now),
    started: false,
    expected: null,
    startsIn: null,
    position: null,
    previewOf: null,
  });
}
