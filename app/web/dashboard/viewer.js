/**
 * Shows results larger, one after another: a dialog, with the arrows of the keyboard.
 */

import { here } from "./api.js";
import { byId, make } from "./dom.js";
import { STATUS, clock, dollars, duration, titleOf, whole } from "./words.js";

export class Viewer {
  #dialog = byId("viewer");
  /** @type {import("./gallery.js").Gallery | null} */
  gallery = null;
  #id = "";
  #index = 0;

  constructor() {
    this.#dialog.onkeydown = (/** @type {KeyboardEvent} */ event) => this.#key(event);
    this.#dialog.onclose = () => {
      this.#dialog.replaceChildren();
      this.gallery?.focus(this.#id);
    };
    // A click beside it is one on the dialog itself, none of its contents.
    this.#dialog.onclick = (/** @type {MouseEvent} */ event) =>
      event.target === this.#dialog && this.#dialog.close();
  }

  /** Show the outputs of a generation. */
  open(/** @type {string} */ id) {
    this.#id = id;
    this.#index = 0;
    this.#draw();
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#dialog.querySelector(".close").focus();
  }

  /** Close it, if it is open. */
  close() {
    if (this.#dialog.open) this.#dialog.close();
  }

  #key(/** @type {KeyboardEvent} */ event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by || /** @type {Element} */ (event.target).closest("video, audio, pre")) return;
    event.preventDefault();
    this.#go(by);
  }

  /** Go to the next output, or the first of the next generation; backwards by -1. */
  #go(/** @type {number} */ by) {
    const beside = this.#beside(by);
    if (beside === null) return;
    [this.#id, this.#index] = beside;
    this.#draw(by);
  }

  /** Return what comes next, as a generation and the place of its output; null at the end. */
  #beside(/** @type {number} */ by) {
    const index = this.#index + by;
    if (index >= 0 && index < outputsOf(this.gallery?.get(this.#id)).length)
      return /** @type {const} */ ([this.#id, index]);
    const ids = this.gallery?.ids ?? [];
    const next = ids[ids.indexOf(this.#id) + by];
    if (next === undefined) return null;
    const last = Math.max(0, outputsOf(this.gallery?.get(next)).length - 1);
    return /** @type {const} */ ([next, by > 0 ? 0 : last]);
  }

  #draw(by = 0) {
    const state = this.gallery?.get(this.#id);
    if (!state) return;
    const outputs = outputsOf(state);
    const output = outputs[this.#index];
    const button = (
      /** @type {string} */ name,
      /** @type {string} */ kind,
      /** @type {() => void} */ deed,
    ) => make("button", { type: "button", class: kind, onclick: deed }, name);
    const [back, on] = [
      button("‹ Previous", "back", () => this.#go(-1)),
      button("Next ›", "on", () => this.#go(1)),
    ];
    // Disabled for real the one that was pressed would lose the focus.
    if (this.#beside(-1) === null) back.setAttribute("aria-disabled", "true");
    if (this.#beside(1) === null) on.setAttribute("aria-disabled", "true");
    this.#dialog.replaceChildren(
      make(
        "div",
        { class: "heading" },
        make(
          "h2",
          { id: "viewer-title" },
          STATUS[/** @type {"failed"} */ (state.status)] ?? state.status,
        ),
        button("Close", "close quiet", () => this.#dialog.close()),
      ),
      make(
        "figure",
        {},
        output
          ? shown(output, titleOf(state))
          : make("p", { class: "empty", dir: "auto" }, make("bdi", {}, whole(reasonOf(state)))),
      ),
      make(
        "div",
        { class: "between" },
        back,
        make(
          "span",
          { class: "about", "aria-live": "polite" },
          outputs.length > 1 ? `${this.#index + 1} of ${outputs.length}` : "",
        ),
        on,
      ),
      make(
        "p",
        {
          class: "prompt",
          dir: "auto",
          tabindex: 0,
          role: "region",
          "aria-label": "What was asked for",
        },
        make("bdi", {}, whole(titleOf(state))),
      ),
      facts(state),
      ...links(output),
    );
    if (by) (by > 0 ? on : back).focus();
  }
}

const outputsOf = (/** @type {any} */ state) => state?.responsePayload?.outputs ?? [];

const reasonOf = (/** @type {any} */ state) =>
  state.responsePayload?.error ??
  state.statusReason ??
  (state.status === "completed" ? "It made nothing." : "No reason was given.");

/** Return an output as large as there is room for. */
function shown(/** @type {any} */ output, /** @type {string} */ title) {
  const link = here(output.mediaUrl);
  if (output.text) return make("pre", { dir: "auto", tabindex: 0 }, whole(output.text));
  if (!link) return make("p", { class: "empty" }, "Its copy is not here yet.");
  if (output.kind === "image") return make("img", { src: link, alt: title.slice(0, 400) });
  if (output.kind === "video")
    return make("video", { src: link, controls: true, playsinline: true, preload: "metadata" });
  if (output.kind === "audio")
    return make("audio", { src: link, controls: true, preload: "metadata" });
  return make("p", { class: "empty" }, make("bdi", {}, output.filename ?? "A file"));
}

function facts(/** @type {any} */ state) {
  const rows = {
    Took: state.durationSeconds === null ? null : duration(state.durationSeconds),
    Cost: state.costUsd ? dollars(state.costUsd) : null,
    Price: state.price ? `${state.price} credits` : null,
    Preset: state.metadata?.preset ?? null,
    Engine: state.engine ?? null,
    Ended: state.responseTimestamp ? clock(state.responseTimestamp) : null,
    Id: state.id,
  };
  const known = Object.entries(rows).filter(([, value]) => value !== null);
  return make(
    "dl",
    { class: "facts" },
    ...known.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))),
  );
}

function links(/** @type {any} */ output) {
  const link = here(output?.mediaUrl);
  const named = output?.filename ?? "";
  if (link === null) return [];
  return [
    make(
      "p",
      { class: "links" },
      make("a", { href: link, target: "_blank", rel: "noopener" }, "Open by itself"),
      make("a", { href: link, download: named }, "Download"),
    ),
  ];
}
