/**
 * What has ended, the newest first: pictures, videos, sounds, texts and files, and why there are
 * none. One stop for the Tab key; the arrows go from one to the next.
 */

import { here } from "./api.js";
import { byId, make, mark, say, show } from "./dom.js";
import { STATUS, clamped, clock, count, dollars, duration, tame, titleOf } from "./words.js";

const KEPT = 60;
const MARKS = { video: "▶", audio: "♪", text: "¶", file: "⬇", model: "◆", image: "▣" };

/**
 * @typedef {object} Tile
 * @property {any} state
 * @property {HTMLElement} element
 * @property {HTMLButtonElement} button
 * @property {HTMLElement} face
 * @property {HTMLElement} caption
 * @property {HTMLElement} about
 * @property {string} link
 */

export class Gallery {
  /** @type {Map<string, Tile>} */
  #tiles = new Map();
  #list = byId("results");

  /** @param {(id: string) => void} open Shows one larger. */
  constructor(open) {
    this.open = open;
    this.#list.onkeydown = (/** @type {KeyboardEvent} */ event) => this.#key(event);
  }

  /** Ids of what is shown, in order. @returns {string[]} */
  get ids() {
    return [...this.#list.children].map(
      (each) => /** @type {HTMLElement} */ (each).dataset.generation ?? "",
    );
  }

  /** Return a record that is shown. */
  get(/** @type {string} */ id) {
    return this.#tiles.get(id)?.state;
  }

  /**
   * Show something that has ended, or what has become of it.
   *
   * @param {any} state
   */
  put(state) {
    const known = this.#tiles.get(state.id);
    if (known) {
      known.state = state;
      this.#dress(known);
      return;
    }
    const after = [...this.#list.children].find(
      (each) => endOf(this.get(idOf(each))) < endOf(state),
    );
    if (!after && this.#tiles.size >= KEPT) return;
    const tile = this.#tile(state);
    this.#tiles.set(state.id, tile);
    this.#dress(tile);
    this.#list.insertBefore(tile.element, after ?? null);
    if (this.#tiles.size > KEPT)
      this.take(idOf(/** @type {Element} */ (this.#list.lastElementChild)));
    this.#stop();
  }

  /** Show something no more, if it is shown. */
  take(/** @type {string} */ id) {
    const tile = this.#tiles.get(id);
    if (!tile) return;
    tile.element.remove();
    this.#tiles.delete(id);
    this.#stop();
  }

  /** Show that there is nothing, once that is known. */
  show(/** @type {boolean} */ known) {
    show(byId("results-none"), known && this.#tiles.size === 0);
    show(this.#list, this.#tiles.size > 0);
  }

  /** Give the keyboard to a tile. */
  focus(/** @type {string} */ id) {
    const tile = this.#tiles.get(id);
    this.#stop(tile?.button);
    (tile?.button ?? byId("results-heading")).focus();
  }

  /** @returns {Tile} */
  #tile(/** @type {any} */ state) {
    const face = make("span", { class: "face" });
    const caption = make("bdi");
    const about = make("span", { class: "about" });
    const button = make(
      "button",
      { type: "button", class: "tile", tabindex: -1, onclick: () => this.open(state.id) },
      face,
      make("span", { class: "caption", dir: "auto" }, caption),
      about,
    );
    const element = make("li", { "data-generation": state.id }, button);
    return { state, element, button, face, caption, about, link: "" };
  }

  #dress(/** @type {Tile} */ tile) {
    const { state } = tile;
    const outputs = state.responsePayload?.outputs ?? [];
    const word = STATUS[/** @type {"failed"} */ (state.status)] ?? state.status;
    mark(tile.element, "data-status", state.status);
    say(tile.caption, clamped(titleOf(state), 120));
    const more = outputs.length > 1 ? count(outputs.length, "file") : null;
    const cost = state.costUsd ? dollars(state.costUsd) : null;
    const took = state.durationSeconds === null ? null : duration(state.durationSeconds);
    const step = state.steps > 1 ? `step ${state.step} of ${state.steps}` : null;
    say(
      tile.about,
      [state.status === "completed" ? null : word, step, more, took, cost, clock(endOf(state))]
        .filter(Boolean)
        .join(" · "),
    );
    mark(
      tile.button,
      "aria-label",
      `${word}: \u2068${tame(titleOf(state))}\u2069${more ? `, ${more}` : ""}`,
    );
    this.#face(tile, outputs);
  }

  #face(/** @type {Tile} */ tile, /** @type {any[]} */ outputs) {
    const picture = outputs.find((each) => each.kind === "image" && each.mediaUrl);
    const link = here(picture?.mediaUrl);
    const [address] = (link ?? `:${tile.state.status}${outputs.length}`).split("?");
    if (tile.link === address) return;
    tile.link = address;
    if (link)
      tile.face.replaceChildren(
        make("img", { alt: "", loading: "lazy", decoding: "async", src: link }),
      );
    else tile.face.replaceChildren(...faceOf(tile.state, outputs));
  }

  /** Have the Tab key stop at one tile: this one, else the one where it did, else the first. */
  #stop(/** @type {HTMLElement | undefined} */ button = undefined) {
    const buttons = [...this.#list.querySelectorAll("button")];
    const stop = button ?? buttons.find((each) => each.tabIndex === 0) ?? buttons[0];
    for (const each of buttons) each.tabIndex = each === stop ? 0 : -1;
  }

  #key(/** @type {KeyboardEvent} */ event) {
    const buttons = /** @type {HTMLButtonElement[]} */ ([...this.#list.querySelectorAll("button")]);
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const row = buttons.filter((each) => each.offsetTop === buttons[0]?.offsetTop).length;
    const to = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at + row,
      ArrowUp: at - row,
      Home: 0,
      End: buttons.length - 1,
    }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = buttons[Math.max(0, Math.min(buttons.length - 1, to))];
    this.#stop(next);
    next.focus();
  }
}

const endOf = (/** @type {any} */ state) => state.responseTimestamp ?? state.requestTimestamp;
const idOf = (/** @type {Element} */ element) =>
  /** @type {HTMLElement} */ (element).dataset.generation ?? "";

/** What a tile shows that has no picture. */
function faceOf(/** @type {any} */ state, /** @type {any[]} */ outputs) {
  const first = outputs[0];
  if (first?.text) return [make("bdi", { class: "words", dir: "auto" }, clamped(first.text, 160))];
  if (first)
    return [
      make("span", { class: "sign" }, MARKS[/** @type {"file"} */ (first.kind)] ?? MARKS.file),
      make("bdi", {}, clamped(first.filename ?? first.kind, 60)),
    ];
  const why = state.responsePayload?.error ?? state.statusReason ?? "";
  return [
    make("span", { class: "sign" }, state.status === "completed" ? "∅" : "✕"),
    make("bdi", { class: "words", dir: "auto" }, clamped(why, 160)),
  ];
}
