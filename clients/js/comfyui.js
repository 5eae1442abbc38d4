/**
 * The way to a bare ComfyUI: its socket, and by the clock its queue and its history.
 *
 * A socket may be silent, broken, or somebody else's by now, and what it would have told is not
 * told again. So every run is asked after in rounds: the queue first, then the history of those
 * that are not in it. A server moves a run from one to the other at once, so that a run which
 * neither has, asked in this order, is not there.
 */

import { inTime } from "./asking.js";
import { ClientError, refusal, troubled } from "./errors.js";
import { picture } from "./frames.js";
import { newId } from "./ids.js";
import { Prompt } from "./prompt.js";
import { Socket } from "./socket.js";
import { SILENCE, linked, wait } from "./waiting.js";

/** Milliseconds between rounds, while there is a socket and while there is none. */
const EVERY = 10_000;
const DOWN = 2_000;
/** When a run's history is looked at, in milliseconds after word of its end: mostly it is there
 * at once, now and then a little later. */
const LOOKS = [0, 250, 500, 1_000];
/** How many of the history are shown where all runs are watched. */
const PAST = 50;
/** How many of them are asked for again in each round: some may have come and gone since. */
const NEW = 8;
/** How many runs that are over are remembered where all are watched. */
const KEPT = 500;

const LOST = new ClientError("unreachable", "the socket is closed", { passing: true });

/** One run, and who is told of it. */
class Followed {
  /** @param {Prompt} prompt */
  constructor(prompt) {
    this.prompt = prompt;
  }

  sinks = new Set();
  /** Whether it is being posted: it need not be there yet. */
  held = false;
  /** Whether it is to be cancelled. */
  wanted = false;
  /** Whether its history is being looked at. */
  looking = false;
  /** Its newest preview. */
  picture = null;
  /** The version that was told last. */
  told = 0;

  get id() {
    return this.prompt.state.id;
  }
}

export class ComfyUI {
  /**
   * @param {object} options
   * @param {string} options.comfyui The server's address.
   * @param {string} [options.clientId]
   * @param {any} [options.WebSocket] A class such as the global one.
   * @param {typeof globalThis.fetch} options.fetch
   * @param {import("./waiting.js").Clock} options.clock
   */
  constructor({ comfyui, clientId = newId(), WebSocket = globalThis.WebSocket, fetch, clock }) {
    if (!WebSocket) {
      throw new TypeError(
        "connect: there is no WebSocket here (Node has one since 22): give one as the option " +
          "`WebSocket`, such as that of the package `ws`",
      );
    }
    this.#base = comfyui;
    this.#clientId = clientId;
    this.#fetch = fetch;
    this.#clock = clock;
    const address = `${comfyui.replace(/^http/, "ws")}/ws?${new URLSearchParams({ clientId })}`;
    this.#socket = new Socket(() => new WebSocket(address), clock, {
      opened: () => this.#opened(),
      closed: () => this.#tellAll((sink) => sink.connected(false, LOST)),
      heard: (data) => this.#heard(data),
    });
  }

  #base;
  #clientId;
  #fetch;
  #clock;
  #socket;
  #followed = new Map();
  /** Those who watch all runs. */
  #watchers = new Set();
  #heardAt = 0;
  // Whether previews on this socket say whose they are.
  #named = false;
  // Which of those that are followed ran last, by what this socket said.
  #current = null;
  // Ends the rounds; null while there are none.
  #rounds = null;
  // Whether the next round is wanted at once, and what ends the wait for it.
  #hurried = false;
  #hurry = () => {};

  /** Follow one run until the signal comes. */
  follow(id, sink, signal) {
    const followed = this.#expect(id);
    followed.held = false;
    followed.sinks.add(sink);
    signal.addEventListener("abort", () => {
      followed.sinks.delete(sink);
      this.#tidy();
    });
    if (followed.prompt.state.version) sink.generation(followed.prompt.state);
    if (!signal.aborted) this.#begin(sink);
  }

  /** Follow all that the server has, and the newest that it had. */
  followAll(query, sink, signal) {
    if (Object.values(query).some((value) => value !== undefined)) {
      throw new TypeError("watchAll: a bare ComfyUI has no users, no jobs and no such filters");
    }
    this.#watchers.add(sink);
    signal.addEventListener("abort", () => {
      this.#watchers.delete(sink);
      this.#tidy();
    });
    this.#begin(sink);
  }

  /**
   * Post a graph. Its messages come to our socket, which is open before.
   *
   * @param {{workflow: object, extra_data?: object, front?: boolean}} order
   * @param {{signal?: AbortSignal}} options
   */
  async start({ workflow, ...more }, { signal }) {
    let followed = this.#expect(newId());
    followed.held = true;
    try {
      await this.#socket.open();
      signal?.throwIfAborted();
      const id = await this.#posted(followed, { ...more, prompt: workflow });
      if (id !== followed.id) {
        // Servers before 0.3.45 give it a name of their own.
        this.#followed.delete(followed.id);
        followed = this.#expect(id);
        followed.held = true;
      }
      followed.prompt.posted(workflow, this.#clock.now());
      // One that is over already, or not to be watched any more, nobody will follow.
      followed.held = !followed.prompt.over && !signal?.aborted;
      this.#tidy();
      return followed.prompt.state;
    } catch (error) {
      this.#followed.delete(followed.id);
      this.#tidy();
      throw error;
    }
  }

  async read(id) {
    const followed = this.#followed.get(id) ?? this.#made(id);
    if (!followed.prompt.known) await this.#ask(followed);
    return followed.prompt.state;
  }

  /** Take it from the queue, or interrupt it; never another one that runs by then. */
  async cancel(id) {
    const followed = this.#followed.get(id) ?? this.#made(id);
    await this.#ask(followed);
    followed.wanted = true;
    if (followed.prompt.state.status === "queued") {
      await this.#post("/queue", { delete: [id] });
      await this.#ask(followed);
    }
    if (followed.prompt.state.status === "running") await this.#interrupt(id);
    this.#emit(followed);
    return followed.prompt.state;
  }

  /** Return the newest preview, and a mark that changes with it; null where there is none. */
  async picture(id) {
    return this.#followed.get(id)?.picture ?? null;
  }

  #made(id) {
    return new Followed(new Prompt(id, this.#base, this.#clock.now()));
  }

  #expect(id) {
    const followed = this.#followed.get(id) ?? this.#made(id);
    this.#followed.set(id, followed);
    return followed;
  }

  #begin(sink) {
    this.#socket.open();
    if (this.#socket.connected) sink.connected(true, null);
    if (this.#rounds) return this.#hasten();
    this.#rounds = new AbortController();
    this.#goRound(this.#rounds.signal);
  }

  /** Forget what nobody watches any more. */
  #tidy() {
    for (const [id, { held, sinks, prompt }] of this.#followed) {
      const kept = held || sinks.size || (this.#watchers.size && !prompt.over);
      if (!kept && (!this.#watchers.size || this.#followed.size > KEPT)) this.#followed.delete(id);
    }
    if (this.#followed.size || this.#watchers.size) return;
    this.#rounds?.abort();
    this.#rounds = null;
    this.#socket.close();
  }

  #tellAll(tell) {
    for (const sink of this.#watchers) tell(sink);
    for (const { sinks } of this.#followed.values()) sinks.forEach(tell);
  }

  #emit(followed) {
    const { state } = followed.prompt;
    if (state.version === followed.told) return;
    followed.told = state.version;
    for (const sink of [...followed.sinks, ...this.#watchers]) sink.generation(state);
  }

  // What the socket says.

  #opened() {
    this.#heardAt = this.#clock.now();
    this.#named = false;
    this.#tellAll((sink) => sink.connected(true, null));
    this.#hasten();
  }

  #heard(data) {
    this.#heardAt = this.#clock.now();
    if (typeof data !== "string") return this.#show(picture(data));
    const { type, data: told } = read(data) ?? {};
    if (type === "feature_flags") this.#named = told?.supports_preview_metadata === true;
    if (type === "status" && this.#waits) this.#hasten();
    const followed = this.#followed.get(told?.prompt_id);
    if (!followed) return;
    this.#current = followed;
    try {
      followed.prompt.heard(type, told, this.#heardAt);
    } catch {
      // Other people's nodes send messages of their own, some of them under these names.
      return;
    }
    this.#emit(followed);
    const ended = type === "executing" && told.node === null;
    if (ended || followed.prompt.judged) this.#look(followed);
    // An interruption between being taken and this is lost on the server.
    if (type === "execution_start" && followed.wanted) this.#interrupt(followed.id).catch(() => {});
  }

  /** Whether somebody waits for what the queue tells. */
  get #waits() {
    const waiting = ({ prompt }) => prompt.state.status === "queued";
    return this.#watchers.size > 0 || [...this.#followed.values()].some(waiting);
  }

  #show(shown) {
    if (!shown) return;
    // One that does not say whose it is may be anybody's, unless they never do.
    const nameless = shown.id === null && !this.#named;
    const followed = nameless ? this.#current : this.#followed.get(shown.id);
    if (!followed || followed.prompt.over) return;
    const at = new Date(this.#heardAt).toISOString();
    followed.picture = { mark: newId(), blob: shown.blob };
    for (const sink of [...followed.sinks, ...this.#watchers])
      sink.preview({ id: followed.id, at });
  }

  /** Look for a run in the history, where it comes about now. */
  async #look(followed) {
    const signal = this.#rounds?.signal;
    if (followed.looking || !signal) return;
    followed.looking = true;
    for (const due of LOOKS) {
      if (due) await wait(this.#clock, due, signal);
      if (signal.aborted || followed.prompt.over) break;
      await this.#inHistory(followed).catch(() => {});
    }
    followed.looking = false;
    if (!followed.prompt.over) this.#hasten();
  }

  // What the queue and the history say.

  #hasten() {
    this.#hurried = true;
    this.#hurry();
  }

  async #goRound(signal) {
    while (!signal.aborted) {
      this.#hurried = false;
      const trouble = await this.#round(signal).then(() => null, troubled);
      if (signal.aborted) return;
      if (trouble) this.#tellTrouble(trouble);
      const due = this.#socket.connected && !trouble ? EVERY : DOWN;
      const began = this.#clock.now();
      const { own, unlink } = linked(signal);
      this.#hurry = () => own.abort();
      if (!this.#hurried) await wait(this.#clock, due, own.signal);
      unlink();
      // The machine slept, and a server may have hung up long ago.
      if (this.#clock.now() - began > due + SILENCE) this.#socket.renew();
    }
  }

  #tellTrouble(trouble) {
    if (!trouble.passing) this.#tellAll((sink) => sink.failed(trouble));
    else if (!this.#socket.connected) this.#tellAll((sink) => sink.connected(false, trouble));
  }

  async #round(signal) {
    const open = ({ held, prompt }) => !held && !prompt.over;
    const asked = [...this.#followed.values()].filter(open);
    const watchers = [...this.#watchers];
    const listed = await this.#queue(signal);
    for (const [id, { item, place }] of listed) {
      const followed = watchers.length ? this.#expect(id) : this.#followed.get(id);
      if (followed) this.#take(followed, item, place);
    }
    if (watchers.length) await this.#past(watchers, signal);
    for (const followed of asked) {
      if (!listed.has(followed.id) && open(followed)) await this.#settle(followed, signal);
    }
    for (const sink of watchers) {
      if (!sink.complete) sink.ready();
      sink.complete = true;
    }
  }

  /** Take an item of the queue for a run. */
  #take(followed, item, place) {
    const now = this.#clock.now();
    followed.prompt.listed(item, place, now);
    this.#emit(followed);
    if (place) return;
    if (followed.wanted) this.#interrupt(followed.id).catch(() => {});
    // It runs for our socket, which hears nothing of it: silence is not idleness.
    const ours = item[3]?.client_id === this.#clientId;
    if (ours && this.#socket.connected && now - this.#heardAt > SILENCE) this.#socket.renew();
  }

  async #past(watchers, signal) {
    const most = watchers.every((sink) => sink.complete) ? NEW : PAST;
    const past = await this.#get(`/history?max_items=${most}`, signal);
    for (const [id, entry] of Object.entries(past)) {
      const followed = this.#expect(id);
      followed.prompt.reported(entry, this.#clock.now());
      this.#emit(followed);
    }
    for (const sink of watchers) {
      // One that came late is told what the others know.
      if (!sink.complete) this.#followed.forEach(({ prompt }) => sink.generation(prompt.state));
    }
    this.#tidy();
  }

  /** Ask after one run. Rejects with `not_found` where the server never had it. */
  async #ask(followed) {
    const found = (await this.#queue()).get(followed.id);
    if (!found) return this.#settleOrThrow(followed);
    followed.prompt.listed(found.item, found.place, this.#clock.now());
  }

  /** End a run that is not in the queue. */
  async #settle(followed, signal) {
    try {
      await this.#settleOrThrow(followed, signal);
      this.#emit(followed);
    } catch (error) {
      if (error.code !== "not_found") throw error;
      this.#followed.delete(followed.id);
      for (const sink of [...followed.sinks]) sink.failed(error);
    }
  }

  async #settleOrThrow(followed, signal) {
    const { prompt, wanted } = followed;
    if (prompt.over || (await this.#inHistory(followed, signal))) return;
    if (prompt.judged) return prompt.concluded(this.#clock.now());
    if (prompt.known) return prompt.vanished(wanted, this.#clock.now());
    throw new ClientError("not_found", "the server has no such run", { status: 404 });
  }

  /** Return whether the history has a run, which is over then. */
  async #inHistory(followed, signal) {
    const entry = (await this.#get(`/history/${encodeURIComponent(followed.id)}`, signal))[
      followed.id
    ];
    if (!entry) return false;
    followed.prompt.reported(entry, this.#clock.now());
    this.#emit(followed);
    return true;
  }

  /** Return what the server has to do, by id: its item, and its place among those that wait. */
  async #queue(signal) {
    const { queue_running: running, queue_pending: pending } = await this.#get("/queue", signal);
    // As it lies in memory, which is not the order in which it runs.
    const line = [...pending].sort(([one], [other]) => one - other);
    const all = [...running.map((item) => [item, 0]), ...line.map((item, i) => [item, i + 1])];
    return new Map(all.map(([item, place]) => [item[1], { item, place }]));
  }

  // Requests.

  /** Post an order; return its name. One whose answer was lost is looked for, not posted anew. */
  async #posted({ id, prompt }, order) {
    try {
      const body = { ...order, prompt_id: id, client_id: this.#clientId };
      return (await this.#post("/prompt", body)).prompt_id ?? id;
    } catch (error) {
      if (!error.passing || error.status !== null) throw error;
      const looked = new Followed(prompt);
      await this.#ask(looked).catch(() => {
        throw error;
      });
      return id;
    }
  }

  /** Servers before 0.3.57 interrupt whatever runs: it is this one, as far as anybody knows. */
  #interrupt(id) {
    return this.#post("/interrupt", { prompt_id: id });
  }

  #post(address, body) {
    const headers = { "Content-Type": "application/json" };
    return this.#asked(address, { method: "POST", headers, body: JSON.stringify(body) });
  }

  #get(address, signal) {
    return this.#asked(address, { cache: "no-store", signal });
  }

  #asked(address, init) {
    return inTime(this.#clock, init.signal, async (signal) => {
      const answer = await this.#fetch(this.#base + address, { ...init, signal });
      if (!answer.ok) throw await refusal(answer);
      return read(await answer.text());
    });
  }
}

/** Read JSON as Python writes it: with numbers in it that JSON has not. Null for what is none. */
function read(text) {
  const plain = () => text.replace(/([:,[]\s*)-?(?:NaN|Infinity)(?=\s*[,}\]])/g, "$1null");
  for (const json of [() => text, plain]) {
    try {
      return JSON.parse(json());
    } catch {
      continue;
    }
  }
  return null;
}
