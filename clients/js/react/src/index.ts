/** Runs of Runrelay, or of a bare ComfyUI, in React: hooks, and what they look like. */

export { RunCard, type RunCardProps } from "./run-card.js";
export { RunProgress, type RunProgressProps } from "./run-progress.js";
export { useRun, type RunView } from "./use-run.js";
export { useRuns, type RunsQuery, type RunsView } from "./use-runs.js";
export { ENGLISH, type Words } from "./words.js";
