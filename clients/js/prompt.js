/**
 * One prompt of a bare ComfyUI, by what its socket, the queue and its history say, in the state
 * that a Runrelay would show of it.
 */

import { Work } from "./graph.js";
import { outputs } from "./outputs.js";
import { isOver } from "./states.js";

/** What a prompt's own messages say of its end. */
const JUDGED = {
  execution_success: "completed",
  execution_error: "failed",
  execution_interrupted: "cancelled",
};
/** The type of an error that only says that a node was passed over: the prompt goes on. */
const BLOCKED = "ExecutionBlocked";

export class Prompt {
  /**
   * @param {string} id
   * @param {string} base The server's address.
   * @param {number} at When it was first heard of, in milliseconds.
   */
  constructor(id, base, at) {
    this.#base = base;
    this.state = nothing(id, time(at));
  }

  /** @type {import("./comfyui-client.js").State} */
  state;
  /** The end that its own messages told of; null while there is none. */
  judged = null;
  /** Whether the queue, the history or the server's answer has ever had it. */
  known = false;
  #base;
  #work = new Work();
  #gave = {};
  #error = null;

  get over() {
    return isOver(this.state);
  }

  /** Take the graph that it runs. */
  runs(graph) {
    this.known = true;
    this.#work.graph = graph ?? {};
    const inputs = Object.values(this.#work.graph).map((node) => node?.inputs?.text);
    const prompt = inputs.find((text) => typeof text === "string" && text) ?? null;
    this.#put({ requestPayload: { inputs: { prompt } } });
  }

  /** Take note that the server has taken it. */
  posted(graph, now) {
    this.runs(graph);
    if (this.state.status === "pending") this.#put({ status: "queued", queuedAt: time(now) });
  }

  /** Take an item of the queue: its place among those that wait, from 1; 0 for one that runs. */
  listed([, , graph, extra], place, now) {
    if (this.over) return;
    if (!this.known) this.runs(graph);
    const at = extra?.create_time;
    if (typeof at === "number") this.#put({ requestTimestamp: time(at), queuedAt: time(at) });
    if (!place) this.#running(now);
    else if (this.state.status !== "running") {
      this.#put({
        status: "queued",
        queuePosition: place,
        queuedAt: this.state.queuedAt ?? time(now),
      });
    }
  }

  /** Take a message of the socket about this prompt. */
  heard(type, data, now) {
    if (this.over || (type === "execution_error" && data.exception_type === BLOCKED)) return;
    if (type in JUDGED) return this.#judge(type, data);
    if (type === "execution_start") this.#running(data.timestamp ?? now);
    else if (type === "execution_cached") this.#work.cached(data.nodes);
    else if (type === "progress_state") this.#work.seen(data.nodes);
    else if (type === "progress") this.#work.stepped(data.node, data.value, data.max);
    else if (type === "executing" && data.node !== null) {
      this.#work.begun(data.node, data.display_node ?? data.node);
    } else if (type === "executed" && data.output) {
      this.#gave[data.node] = data.output;
      this.#put({ responsePayload: { ...this.state.responsePayload, outputs: this.#outputs } });
    } else return;
    this.#running(now);
    this.#put({
      progress: this.#work.share,
      liveStatus: this.#work.words ?? this.state.liveStatus,
    });
  }

  /** Take its entry of the history: what that has is over. */
  reported({ prompt, outputs: given, status: told }, now) {
    if (!this.known) this.runs(prompt?.[2]);
    const messages = told?.messages ?? [];
    const said = Object.fromEntries(messages);
    const { execution_start: start, execution_error: error } = said;
    const at = messages.filter(([type]) => type in JUDGED).pop()?.[1].timestamp ?? now;
    if (start?.timestamp) this.#put({ startedAt: time(start.timestamp) });
    if (error) this.#error = words(error);
    this.#gave = given ?? {};
    if (told?.status_str === "success") this.#end("completed", at);
    else this.#end(said.execution_interrupted ? "cancelled" : "failed", at);
  }

  /** End it as its own messages said: the history has it not, and never will. */
  concluded(now) {
    this.#end(this.judged, now);
  }

  /** End it as one that the server has no more. */
  vanished(wanted, now) {
    const reason = wanted ? "cancelled" : "lost";
    if (!wanted) this.#error = "The server knows nothing of this run any more.";
    this.#end(wanted ? "cancelled" : "failed", now, reason);
  }

  get #outputs() {
    return outputs(this.#gave, this.#base);
  }

  #judge(type, data) {
    this.judged ??= JUDGED[type];
    if (type === "execution_error") this.#error ??= words(data);
  }

  #running(now) {
    if (this.over) return;
    const startedAt = this.state.startedAt ?? time(now);
    this.#put({ status: "running", queuePosition: null, startedAt });
  }

  #end(status, at, statusReason = null) {
    if (this.over) return;
    const { startedAt, progress } = this.state;
    this.#put({
      status,
      statusReason,
      endedBy: "engine",
      progress: status === "completed" ? 1 : progress,
      liveStatus: null,
      queuePosition: null,
      responseTimestamp: time(at),
      durationSeconds: startedAt ? Math.max(0, at - Date.parse(startedAt)) / 1000 : null,
      responsePayload: { outputs: this.#outputs, error: status === "failed" ? this.#error : null },
    });
  }

  /** Change the state; its version rises only where something differs. */
  #put(change) {
    const differs = ([field, value]) => JSON.stringify(this.state[field]) !== JSON.stringify(value);
    if (!Object.entries(change).some(differs)) return;
    this.state = { ...this.state, ...change, version: this.state.version + 1 };
  }
}

/** @returns {import("./comfyui-client.js").State} */
function nothing(id, at) {
  return {
    id,
    version: 0,
    status: "pending",
    statusReason: null,
    endedBy: null,
    progress: 0,
    liveStatus: null,
    queuePosition: null,
    expectedStartAt: null,
    requestTimestamp: at,
    queuedAt: null,
    startedAt: null,
    responseTimestamp: null,
    durationSeconds: null,
    attempt: 1,
    maxAttempts: 1,
    jobId: null,
    step: null,
    steps: 1,
    item: null,
    items: 1,
    price: null,
    metadata: { preset: null },
    requestPayload: { inputs: {} },
    responsePayload: { outputs: [], error: null },
  };
}

/** Return why a prompt failed, in one line. */
function words({ exception_message: message, exception_type: type, node_type: node }) {
  const said = String(message ?? "").trim() || type || "failed";
  return node ? `${said} (in ${node})` : said;
}

function time(milliseconds) {
  return new Date(milliseconds).toISOString();
}
