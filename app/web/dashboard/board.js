/**
 * The board: what runs, as cards; what has ended goes to the gallery. Whatever the stream says is
 * only noted; once in a frame what was noted is shown, so that any number of changes costs one
 * drawing, and a hidden page costs none.
 */

import { isOver } from "./comfyui-client.js";
import { call } from "./api.js";
import { Card } from "./cards.js";
import { now } from "./clock.js";
import { byId, make, say, show } from "./dom.js";
import { count, tame } from "./words.js";
import { ofGeneration, ofJob } from "./views.js";

const TICK = 1000;
const SAID = 5;
const AHEAD = "300px";

export class Board {
  /** @type {Map<string, Card>} */
  #cards = new Map();
  /** Keys of the cards, in their order: the newest first. @type {string[]} */
  #order = [];
  /** @type {Set<string>} */
  #noted = new Set();
  /** Generations of jobs that the stream did not bring. @type {Map<string, any>} */
  #read = new Map();
  #asked = new Set();
  /** When the newest preview of each was made. @type {Map<string, string>} */
  #previews = new Map();
  #frame = 0;
  #ready = false;
  #list = byId("active");
  #closing = new AbortController();

  /**
   * @param {any} client Of comfyui-client.js.
   * @param {import("./gallery.js").Gallery} gallery
   * @param {import("./expected.js").Expected} expected
   * @param {boolean} may Whether who looks may do anything.
   * @param {() => void} ended Called when something has ended.
   */
  constructor(client, gallery, expected, may, ended) {
    this.ended = ended;
    this.client = client;
    this.gallery = gallery;
    this.expected = expected;
    this.doings = { may, cancel: this.#cancel.bind(this), goOn: this.#goOn.bind(this) };
    this.sight = new IntersectionObserver((seen) => this.#seen(seen), { rootMargin: AHEAD });
    const { signal } = this.#closing;
    this.runs = client.watchAll({ signal });
    this.runs.addEventListener("change", (/** @type {any} */ event) => this.#changed(event.detail));
    this.runs.addEventListener("job", (/** @type {any} */ event) => this.#note(event.detail.id));
    this.runs.addEventListener("preview", (/** @type {any} */ event) =>
      this.#announced(event.detail),
    );
    this.runs.addEventListener("connection", () => this.#connection());
    this.runs.addEventListener("ready", () => this.#complete());
    this.timer = setInterval(() => this.#tick(), TICK);
    this.#connection();
  }

  /** Stop watching, and show nothing any more. */
  close() {
    this.#closing.abort();
    this.runs.close();
    clearInterval(this.timer);
    cancelAnimationFrame(this.#frame);
    this.sight.disconnect();
    this.#list.replaceChildren();
  }

  #changed(/** @type {{id: string, state: any}} */ { id, state }) {
    this.#note(id);
    if (state?.jobId) this.#note(state.jobId);
  }

  #note(/** @type {string} */ key) {
    this.#noted.add(key);
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    const noted = [...this.#noted].sort().reverse();
    this.#noted.clear();
    const first = this.#cards.size === 0;
    const ended = noted.filter((key) => this.#drawOne(key));
    if (first && this.#cards.size) performance.mark("runrelay:first-cards");
    this.#heading();
    if (!ended.length) return;
    this.#announce(ended);
    this.ended();
  }

  /** Show how something stands; return whether it was open until now. */
  #drawOne(/** @type {string} */ key) {
    const state = this.runs.states.get(key);
    if (state && isOver(state)) {
      this.expected.see(state);
      this.#previews.delete(key);
      this.gallery.put(state);
    } else if (!state) {
      this.gallery.take(key);
    }
    const view = this.#view(key);
    const card = this.#cards.get(key);
    if (view?.open) {
      if (card) card.update(view);
      else this.#add(view);
      if (card?.inSight) this.#preview(card);
      return false;
    }
    if (card) this.#remove(card);
    return Boolean(card && view);
  }

  /** Return what the card of something would show; null where it has none of its own. */
  #view(/** @type {string} */ key) {
    const job = this.runs.jobs.get(key);
    if (job) return ofJob(job, this.#statesOf(job), this.expected, now());
    const state = this.runs.states.get(key);
    // What is of a job is shown on the job's card.
    return state && !state.jobId ? ofGeneration(state, this.expected, now()) : null;
  }

  #statesOf(/** @type {any} */ job) {
    const known = job.steps.map(
      (/** @type {any} */ step) =>
        this.runs.states.get(step.generation) ?? this.#read.get(step.generation),
    );
    return new Map(known.filter(Boolean).map((/** @type {any} */ each) => [each.id, each]));
  }

  #add(/** @type {import("./views.js").View} */ view) {
    const card = new Card(view, this.doings);
    // Ids begin with the time: most that come are newer than all there are, or (at first) older.
    let at = this.#order.findIndex((key) => key < view.key);
    if (at < 0) at = this.#order.length;
    const next = this.#cards.get(this.#order[at]);
    this.#list.insertBefore(card.element, next?.element ?? null);
    this.#order.splice(at, 0, view.key);
    this.#cards.set(view.key, card);
    this.sight.observe(card.element);
  }

  #remove(/** @type {Card} */ card) {
    const { key } = card.view;
    const at = this.#order.indexOf(key);
    const held = card.element.contains(document.activeElement);
    this.sight.unobserve(card.element);
    card.element.remove();
    this.#order.splice(at, 1);
    this.#cards.delete(key);
    for (const [id, state] of this.#read) if (state.jobId === key) this.#read.delete(id);
    if (!held) return;
    // Whoever was on it with the keyboard goes on beside it.
    const beside = this.#cards.get(this.#order[at] ?? this.#order[at - 1]);
    (beside?.cancel ?? byId("active-heading")).focus();
  }

  #heading() {
    const number = this.#cards.size;
    say(byId("active-count"), number ? String(number) : "");
    say(
      byId("active-none"),
      this.#ready ? "Nothing runs. Start a run, and it is shown here." : "Loading …",
    );
    show(byId("active-none"), number === 0);
    show(this.#list, number > 0);
    this.gallery.show(this.#ready);
  }

  #complete() {
    this.#ready = true;
    this.#note("");
  }

  #connection() {
    const { connected } = this.runs;
    document.documentElement.dataset.connection = connected ? "live" : "reconnecting";
    const word = byId("connection");
    say(word, connected ? "live" : this.#ready ? "reconnecting …" : "connecting …");
    show(word, true);
  }

  /** Tell those who do not see what has ended; one word for many. */
  #announce(/** @type {string[]} */ keys) {
    const said = keys
      .slice(0, SAID)
      .map((key) => this.#ended(key))
      .filter(Boolean);
    const more = keys.length > SAID ? [`and ${count(keys.length - SAID, "other")}`] : [];
    if (said.length)
      byId("said").replaceChildren(...[...said, ...more].map((each) => make("p", {}, each)));
  }

  #ended(/** @type {string} */ key) {
    const view = this.#view(key);
    return view ? `${this.#word(key, view)}: \u2068${tame(view.title)}\u2069` : null;
  }

  #word(/** @type {string} */ key, /** @type {import("./views.js").View} */ view) {
    const status = this.runs.jobs.get(key)?.status ?? view.status;
    return status.charAt(0).toUpperCase() + status.slice(1);
  }

  #tick() {
    if (document.hidden) return;
    for (const card of this.#cards.values()) {
      if (!card.inSight) continue;
      const view = this.#view(card.view.key);
      if (view) card.view = view;
      card.tick();
    }
  }

  #seen(/** @type {IntersectionObserverEntry[]} */ entries) {
    for (const entry of entries) {
      const { job, generation } = /** @type {HTMLElement} */ (entry.target).dataset;
      const card = this.#cards.get(job ?? generation ?? "");
      if (!card) continue;
      card.inSight = entry.isIntersecting;
      if (card.inSight) this.#complement(card);
    }
  }

  /** Fetch what a card that is looked at lacks. */
  #complement(/** @type {Card} */ card) {
    this.#preview(card);
    const { needs } = card.view;
    if (needs !== null && !this.#asked.has(needs)) {
      this.#asked.add(needs);
      this.#readJob(needs);
    }
  }

  async #readJob(/** @type {string} */ id) {
    const job = await call("GET", `jobs/${id}`).catch(() => null);
    for (const each of job?.generations ?? []) this.#read.set(each.id, each);
    this.#note(id);
  }

  #announced(/** @type {{id: string, at: string}} */ { id, at }) {
    this.#previews.set(id, at);
    this.#note(this.runs.states.get(id)?.jobId ?? id);
  }

  /** Fetch the newest preview for a card, unless it was. */
  async #preview(/** @type {Card} */ card) {
    const id = card.view.previewOf;
    const at = id === null ? undefined : this.#previews.get(id);
    if (id === null || at === undefined || card.previewed === `${id} ${at}` || document.hidden)
      return;
    card.previewed = `${id} ${at}`;
    const link = await this.client.preview(id).catch(() => null);
    if (link !== null && card.view.previewOf === id) card.preview(link);
  }

  async #cancel(/** @type {Card} */ card) {
    await this.#post(card, "cancel");
  }

  async #goOn(/** @type {Card} */ card) {
    await this.#post(card, "continue", { step: card.view.pausedAfter });
  }

  async #post(
    /** @type {Card} */ card,
    /** @type {string} */ verb,
    /** @type {object | undefined} */ body = undefined,
  ) {
    try {
      await call("POST", `${card.view.kind}/${card.view.key}/${verb}`, body);
    } catch (error) {
      card.refuse(/** @type {Error} */ (error).message);
    }
  }
}
