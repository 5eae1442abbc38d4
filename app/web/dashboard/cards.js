/**
 * One card for each run and job that has not ended. A card is made once; from then on only what
 * has changed in it is written, so that focus, selection and the picture stay where they are.
 */

import { here } from "./api.js";
import { make, mark, say, show } from "./dom.js";
import { about, clamped, dollars, passing, tame } from "./words.js";

/**
 * @typedef {object} Doings
 * @property {(card: Card) => void} cancel
 * @property {(card: Card) => void} goOn
 * @property {boolean} may Whether who looks may do anything.
 */

let made = 0;

export class Card {
  /** @type {import("./views.js").View} */
  view;
  /** The newest preview that was asked for, as the board names them. */
  previewed = "";
  #inSight = false;
  #asked = false;
  #picture = "";
  #link = "";

  /**
   * @param {import("./views.js").View} view
   * @param {Doings} doings
   */
  constructor(view, doings) {
    this.view = view;
    this.doings = doings;
    const id = `card-${++made}`;
    this.picture = make("div", { class: "picture", "aria-hidden": "true" });
    this.title = make("bdi");
    this.about = make("p", { class: "about" });
    this.said = make("span", { class: "status" });
    this.percent = make("span", { class: "percent" });
    this.bar = make("progress", { max: 1, value: 0, "aria-labelledby": id });
    this.now = make("bdi");
    this.facts = {
      waiting: fact("Waiting"),
      elapsed: fact("Elapsed"),
      expected: fact("Expected"),
      queue: fact("In the queue"),
      starts: fact("Starts in"),
      cost: fact("Cost so far"),
    };
    this.cancel = make(
      "button",
      { type: "button", onclick: () => this.#do(doings.cancel) },
      "Cancel",
    );
    this.goOn = make(
      "button",
      { type: "button", class: "main", onclick: () => this.#do(doings.goOn) },
      "Continue",
    );
    this.trouble = make("p", { class: "problem", role: "alert" });
    this.element = make(
      "li",
      { class: "card" },
      make(
        "article",
        { "aria-labelledby": id },
        this.picture,
        make("h3", { id, dir: "auto" }, this.title),
        this.about,
        make("p", { class: "line" }, this.said, this.percent),
        this.bar,
        make("p", { class: "now", dir: "auto" }, this.now),
        make("dl", { class: "facts" }, ...Object.values(this.facts).map((each) => each.element)),
        make("div", { class: "actions" }, this.goOn, this.cancel),
        this.trouble,
      ),
    );
    mark(this.element, view.kind === "jobs" ? "data-job" : "data-generation", view.key);
    this.update(view);
  }

  /**
   * Show how it stands.
   *
   * @param {import("./views.js").View} view
   */
  update(view) {
    this.view = view;
    const paused = view.pausedAfter !== null;
    mark(this.element, "data-status", view.status);
    say(this.title, clamped(view.title));
    say(this.about, view.about);
    say(this.said, view.said);
    say(this.percent, `${Math.round(view.progress * 100)} %`);
    if (this.bar.value !== view.progress) this.bar.value = view.progress;
    say(this.now, clamped(view.now, 120));
    this.facts.queue.tell(view.position === null ? null : `place ${view.position}`);
    this.facts.starts.tell(view.startsIn ? about(view.startsIn) : null);
    this.#buttons(paused);
    this.#made();
    this.tick();
  }

  /** Whether it is in sight, or nearly: pictures are fetched for those that are. */
  get inSight() {
    return this.#inSight;
  }

  set inSight(seen) {
    this.#inSight = seen;
    this.#made();
  }

  /** Show what goes by with time. */
  tick() {
    const { elapsed, expected, cost, started } = this.view;
    const gone = elapsed === null ? null : passing(elapsed);
    this.facts.waiting.tell(started ? null : gone);
    this.facts.elapsed.tell(started ? gone : null);
    this.facts.expected.tell(expected === null ? null : about(expected));
    this.facts.cost.tell(cost === null ? null : `${cost.exact ? "" : "≈ "}${dollars(cost.usd)}`);
  }

  /**
   * Say what went wrong with what was asked for.
   *
   * @param {string} words
   */
  refuse(words) {
    this.#asked = false;
    say(this.trouble, words);
    this.#buttons(this.view.pausedAfter !== null);
  }

  /**
   * Show a preview.
   *
   * @param {string} link
   */
  preview(link) {
    this.#draw(link, "preview");
  }

  /** Show the newest picture that was made, unless a newer preview is there. */
  #made() {
    const link = here(this.view.picture);
    const address = addressOf(link);
    if (!this.#inSight || link === null || address === this.#picture) return;
    this.#picture = address;
    this.#draw(link, null);
  }

  /** Do something once, until its record says so or it is refused. */
  #do(/** @type {(card: Card) => void} */ deed) {
    if (this.#asked || this.view.cancelling) return;
    this.#asked = true;
    say(this.trouble, "");
    this.#buttons(this.view.pausedAfter !== null);
    deed(this);
  }

  #buttons(/** @type {boolean} */ paused) {
    const { may } = this.doings;
    const name = tame(this.view.title);
    const held = this.goOn === document.activeElement && !paused;
    if (this.view.cancelling || (this.#asked && this.goOn.hidden !== paused))
      this.#asked = this.view.cancelling;
    say(this.cancel, this.view.cancelling ? "Cancelling …" : paused ? "Stop" : "Cancel");
    mark(this.cancel, "aria-label", `${this.cancel.textContent}: \u2068${name}\u2069`);
    mark(this.goOn, "aria-label", `Continue: \u2068${name}\u2069`);
    // Disabled for real they would lose the focus.
    for (const each of [this.cancel, this.goOn])
      mark(each, "aria-disabled", this.#asked || this.view.cancelling ? "true" : null);
    show(this.goOn, may && paused);
    show(this.cancel, may);
    if (held) this.cancel.focus();
  }

  /** Put a picture in place of the one there is, once it can be shown. */
  async #draw(/** @type {string} */ link, /** @type {string | null} */ kind) {
    this.#link = link;
    const next = make("img", { alt: "", decoding: "async", class: kind });
    next.src = link;
    try {
      await next.decode();
    } catch {
      return; // It is gone, or no picture: the one before stays.
    }
    if (this.#link === link) this.picture.replaceChildren(next);
  }
}

/** Return what names a file in a link: its signature is another each day. */
const addressOf = (/** @type {string | null} */ link) => (link ?? "").split("?")[0];

/** Make a fact of a card, which is hidden while it is not known. */
function fact(/** @type {string} */ name) {
  const value = make("dd");
  const element = make("div", { hidden: true }, make("dt", {}, name), value);
  return {
    element,
    tell: (/** @type {string | null} */ text) => {
      show(element, text !== null);
      if (text !== null) say(value, text);
    },
  };
}
