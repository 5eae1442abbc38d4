/** Watch runs of a Runrelay server, or of a bare ComfyUI: one interface, two ways in. */

/** How far a run has come. A newer server may know more words. */
export type Status =
  | "waiting"
  | "pending"
  | "submitting"
  | "queued"
  | "started"
  | "running"
  | "uploading"
  | "completed"
  | "failed"
  | "cancelled"
  | "timeout";

/** One thing that a run has made. */
export interface Output {
  id: string;
  kind: "image" | "video" | "audio" | "text" | "file" | "model";
  /** Where it can be had: a link to the server's copy; null until there is one, and for a text. */
  mediaUrl: string | null;
  /** The engine's own address, which may expire; null where the reader may not know the engine. */
  url?: string | null;
  contentType: string | null;
  filename: string | null;
  text: string | null;
  /** Why there is no copy, and will be none. */
  notKept?: string | null;
}

/** A run as it stands. Times are ISO 8601 in UTC; the server may tell more than is named here. */
export interface State {
  id: string;
  /** Only rises: of two states of a run the one with the higher version is the newer. */
  version: number;
  status: Status;
  statusReason: string | null;
  endedBy: "engine" | "us" | null;
  /** Share that is done, 0 to 1. */
  progress: number;
  /** What it is at, in words: `"KSampler 7/20"`. */
  liveStatus: string | null;
  /** Its place among those that wait. */
  queuePosition: number | null;
  expectedStartAt: string | null;
  requestTimestamp: string;
  queuedAt: string | null;
  startedAt: string | null;
  responseTimestamp: string | null;
  durationSeconds: number | null;
  attempt: number;
  maxAttempts: number;
  jobId: string | null;
  step: number | null;
  steps: number;
  item: number | null;
  items: number;
  /** Credits that were taken for it, as a decimal string. */
  price: string | null;
  metadata: { preset: string | null; [field: string]: unknown };
  requestPayload: { inputs: { prompt?: string | null; [input: string]: unknown } };
  responsePayload: { outputs: Output[]; error: string | null };
  [field: string]: unknown;
}

/** A job as the API's lists show it. */
export interface Job {
  id: string;
  version: number;
  status: "pending" | "active" | "refused" | "completed" | "failed" | "cancelled" | "timeout";
  [field: string]: unknown;
}

/** Where time comes from; another one is for tests. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  set(act: () => void, milliseconds: number): unknown;
  clear(timer: unknown): void;
  /** A number from 0 to below 1. */
  random(): number;
}

interface Common {
  /** In place of the global one. */
  fetch?: typeof fetch;
  clock?: Clock;
}

/** The way to a Runrelay server. */
export interface RunrelayOptions extends Common {
  /** Its address; empty for the one that the page came from. */
  server: string;
  /**
   * A view token or an API key; or what gets one, asked anew when the server says that it has
   * expired. None: the browser shows its session's cookie. An API key has no place in a page.
   */
  token?: string | (() => string | Promise<string>);
  comfyui?: undefined;
}

/** The way to a bare ComfyUI. For pages from elsewhere it needs `--enable-cors-header`. */
export interface ComfyUIOptions extends Common {
  /** Its address; empty for the one that the page came from. */
  comfyui: string;
  /** The name of our socket. No two clients may have the same at once. By default a new one. */
  clientId?: string;
  /** In place of the global one, which Node has since 22. */
  WebSocket?: unknown;
  server?: undefined;
}

/**
 * Return a client. Nothing is asked before something is watched.
 *
 * @throws {TypeError} Neither or both of `server` and `comfyui` are given; an address is none; or
 *   there is no WebSocket for a bare ComfyUI.
 */
export function connect(options: RunrelayOptions | ComfyUIOptions): Client;

/** Return whether a run, or a job, is at its end. */
export function isOver(state: { status: string } | null | undefined): boolean;

/** The server, or the way to it, does not do what it was asked. */
export class ClientError extends Error {
  constructor(
    code: string,
    message: string,
    more?: { status?: number | null; passing?: boolean; after?: number | null; cause?: unknown },
  );
  /**
   * What it is, as a word for programs: the server's own `reason`, or `unreachable`, `silent`,
   * `late`, `no_token`, `not_found`, `unauthorized`, `forbidden`, `expired`, `signed_out`.
   */
  code: string;
  /** The status of the HTTP answer; null where there was none. */
  status: number | null;
  /** Whether another try may do. A function for tokens throws one that is not, to give up. */
  passing: boolean;
  /** Seconds that the server wants to be left alone. */
  after: number | null;
}

/** A run has ended without having completed. */
export class RunError extends Error {
  constructor(state: State);
  /** Its status: `failed`, `cancelled` or `timeout`. */
  code: Status;
  state: State;
}

/** A picture of what is being made. */
export interface Preview {
  id: string;
  at: string;
  /** For `<img src>`: a `blob:` address, good until two newer ones have come. */
  url: string;
}

/** Whether the server is heard; `error` is what is in the way, where that is known. */
export interface Connection {
  connected: boolean;
  error: ClientError | null;
}

export interface WatchOptions {
  /** Status, progress, words or place in the line have changed. */
  onProgress?: (state: State) => void;
  onPreview?: (preview: Preview) => void;
  /** It has completed, and what it made can be had. Once at most. */
  onComplete?: (state: State) => void;
  /** It has ended otherwise (`RunError`), or cannot be watched (`ClientError`). Once at most. */
  onError?: (error: RunError | ClientError) => void;
  /** Anything has changed. */
  onChange?: (state: State) => void;
  onConnection?: (connection: Connection) => void;
  /** Ends the watching, not the run. */
  signal?: AbortSignal;
}

export interface StartOptions extends WatchOptions {
  /** Runrelay: the same key and order again make nothing new. By default a new one. */
  idempotencyKey?: string;
}

export interface WatchAllOptions {
  /** Runrelay: only of this user. */
  user?: string;
  /** Runrelay: only of this job. */
  job?: string;
  /** Runrelay: only those in this status, or `open`. */
  status?: string;
  onChange?: (change: RunChange) => void;
  onJob?: (change: JobChange) => void;
  onReady?: () => void;
  /** There is a new picture of a run: `await client.preview(id)`. */
  onPreview?: (preview: { id: string; at: string }) => void;
  /** They cannot be watched any more. */
  onError?: (error: ClientError) => void;
  onConnection?: (connection: Connection) => void;
  /** Ends the watching, not the runs. */
  signal?: AbortSignal;
}

export interface RunChange {
  id: string;
  /** Null where it is no longer shown: deleted, or the oldest of many that are over. */
  state: State | null;
}

export interface JobChange {
  id: string;
  job: Job | null;
}

/** What `POST /api/generations` takes, or for a bare ComfyUI a graph in its API's format. */
export type Order =
  | { workflow: object; extra_data?: object; front?: boolean }
  | { engine: string; inputs?: object; [field: string]: unknown };

export interface Client {
  /** Watch a run to its end. */
  watch(id: string, options?: WatchOptions): Run;
  /** Order a run, and watch it. Rejects with `ClientError` where it is refused. */
  start(order: Order, options?: StartOptions): Promise<Run>;
  /** Watch all runs: those open, the newest that have ended, and what comes. */
  watchAll(options?: WatchAllOptions): Runs;
  /** Return how a run stands. */
  read(id: string): Promise<State>;
  /** Want a run cancelled; what is returned need not be an end yet. */
  cancel(id: string): Promise<State>;
  /** Return the address of the newest picture of a run, a `blob:`; null where there is none. */
  preview(id: string): Promise<string | null>;
  /** Watch nothing any more; the addresses of previews lead nowhere from now on. */
  close(): void;
}

interface Typed<Events> {
  addEventListener<Kind extends keyof Events>(
    kind: Kind,
    listener: (event: CustomEvent<Events[Kind]>) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Kind extends keyof Events>(
    kind: Kind,
    listener: (event: CustomEvent<Events[Kind]>) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  dispatchEvent(event: Event): boolean;
}

/** What a `Run` tells of, and the `detail` of the event. */
export interface RunEvents {
  change: State;
  progress: State;
  preview: Preview;
  complete: State;
  error: RunError | ClientError;
  connection: Connection;
}

/** One run that is watched. */
export interface Run extends Typed<RunEvents> {
  readonly id: string;
  /** The newest state; null until the first has come. */
  readonly state: State | null;
  /** The address of the newest preview. */
  readonly preview: string | null;
  readonly connected: boolean;
  /**
   * Resolves with the last state however the run ended; rejects where it cannot be watched
   * (`ClientError`), or is not any more (`AbortError`).
   */
  readonly done: Promise<State>;
  /** Want it cancelled. */
  cancel(): Promise<State>;
  /** Watch it no more. It goes on. */
  close(): void;
}

/** What `Runs` tell of, and the `detail` of the event. */
export interface RunsEvents {
  change: RunChange;
  job: JobChange;
  /** What was there when the connection was made is complete. */
  ready: null;
  preview: { id: string; at: string };
  error: ClientError;
  connection: Connection;
}

/** All runs that fit a query. */
export interface Runs extends Typed<RunsEvents> {
  readonly states: ReadonlyMap<string, State>;
  readonly jobs: ReadonlyMap<string, Job>;
  readonly connected: boolean;
  /** Resolves when what there was at first is complete. */
  readonly ready: Promise<void>;
  close(): void;
}
