import { isOver, type State } from "runrelay-client";

/** Everything that the components say. Give your own for another language. */
export interface Words {
  /** By status; one that is not here is said as it is. */
  statuses: Record<string, string>;
  /** A run that has neither a prompt nor a preset. */
  untitled: string;
  cancel: string;
  cancelling: string;
  /** The connection is lost and will be made again. */
  reconnecting: string;
  /** It is over, and its files are being copied. */
  keeping: string;
  /** There are files, and none of them can be shown. */
  unavailable: string;
  /** The name of a link to a file that has no name. */
  file: string;
  /** The text for who cannot see a picture of what is not done yet. */
  preview: (title: string) => string;
  percent: (percent: number) => string;
  place: (place: number) => string;
  took: (seconds: number) => string;
}

export const ENGLISH: Words = {
  statuses: {
    waiting: "Waiting",
    pending: "Waiting",
    submitting: "Waiting",
    queued: "In the queue",
    started: "Starting",
    running: "Running",
    uploading: "Saving",
    completed: "Done",
    failed: "Failed",
    cancelled: "Cancelled",
    timeout: "Took too long",
  },
  untitled: "Run",
  cancel: "Cancel",
  cancelling: "Cancelling …",
  reconnecting: "Reconnecting …",
  keeping: "Saving the result …",
  unavailable: "The result is not to be had any more.",
  file: "File",
  preview: (title) => `Preview: ${title}`,
  percent: (percent) => `${percent} %`,
  place: (place) => `place ${place}`,
  took: (seconds) => `in ${seconds.toFixed(1)} s`,
};

/** Return what a run is called. */
export function titleOf(state: State | null, words: Words): string {
  const prompt = state?.requestPayload?.inputs?.prompt;
  return (typeof prompt === "string" && prompt) || state?.metadata?.preset || words.untitled;
}

/** Return how far a run is, from 0 to 100; null where that is not known. */
export function percentOf(state: State | null): number | null {
  const told = state?.progress;
  return told ? Math.round(Math.min(Math.max(told, 0), 1) * 100) : null;
}

/** Return all that is known of where a run stands, in a few words. */
export function standing(state: State | null, words: Words): string {
  if (!state) return words.statuses.waiting ?? "";
  const said = [words.statuses[state.status] ?? state.status];
  const percent = percentOf(state);
  if (isOver(state)) {
    if (state.status === "completed" && typeof state.durationSeconds === "number")
      said.push(words.took(state.durationSeconds));
    return said.join(" ");
  }
  if (state.liveStatus) said.push(state.liveStatus);
  if (percent !== null) said.push(words.percent(percent));
  else if (typeof state.queuePosition === "number" && state.queuePosition > 0)
    said.push(words.place(state.queuePosition));
  return said.join(" · ");
}

/**
 * Return what is said aloud: the status, and each further quarter of the way. It changes at most
 * a handful of times in a run, so that nobody is talked at.
 */
export function announcement(state: State | null, words: Words): string {
  if (!state) return "";
  const status = words.statuses[state.status] ?? state.status;
  const percent = percentOf(state);
  const quarter = percent === null ? 0 : Math.floor(percent / 25) * 25;
  return isOver(state) || quarter === 0 ? status : `${status} · ${words.percent(quarter)}`;
}
