/**
 * The form that starts a run: a preset for a person, or an engine with what it runs.
 */

import { call } from "./api.js";
import { byId, make, say, show } from "./dom.js";
import { presetFields } from "./preset_fields.js";
import { engineFields } from "./engine_fields.js";

/**
 * @typedef {object} Fields What a choice asks for.
 * @property {string} about What it does; a stranger's words, perhaps.
 * @property {Node[]} elements
 * @property {() => Promise<{path: string, body: object}>} order What is to be posted, and where; may
 *   throw an Error that says what is wrong.
 */

export class OrderForm {
  #form = byId("order-form");
  /** @type {Fields | null} */
  #fields = null;
  /** The last order that was not answered, and its key: once more it is the same order. */
  #open = { body: "", key: "" };
  #busy = false;

  /** Fetch what can be ordered, and show the form. */
  async load() {
    const [engines, presets] = await Promise.all([
      call("GET", "engines"),
      call("GET", "presets?language=en"),
    ]);
    this.example = engines.example;
    this.presets = new Map(presets.items.map((/** @type {any} */ each) => [each.name, each]));
    const options = [
      group(
        "Engines",
        engines.items.map((/** @type {any} */ each) => [`engine ${each.name}`, each.name]),
      ),
      group(
        "Presets",
        presets.items.map((/** @type {any} */ each) => [`preset ${each.name}`, each.title]),
      ),
    ];
    this.choice = make(
      "select",
      { id: "order-what", "aria-describedby": "order-about", onchange: () => this.#choose() },
      ...options.filter(Boolean),
    );
    this.about = make("bdi");
    this.place = make("div", { class: "fields" });
    this.said = make("p", { class: "problem", role: "alert" });
    this.done = make("p", { class: "done", role: "status" });
    this.#form.replaceChildren(
      make(
        "div",
        { class: "field what" },
        make("label", { for: "order-what" }, "With"),
        this.choice,
        make("p", { class: "hint", id: "order-about" }, this.about),
      ),
      this.place,
      make(
        "div",
        { class: "actions" },
        make("button", { class: "main" }, "Start"),
        this.said,
        this.done,
      ),
    );
    this.#form.onsubmit = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      this.#submit();
    };
    if (this.example) this.choice.value = `engine ${this.example.engine}`;
    this.#choose();
    show(byId("order"), this.choice.options.length > 0);
  }

  #choose() {
    const [kind, name] = this.choice.value.split(" ");
    this.#fields =
      kind === "preset" ? presetFields(this.presets?.get(name)) : engineFields(name, this.example);
    say(this.about, this.#fields.about);
    this.place.replaceChildren(...this.#fields.elements);
    say(this.said, "");
    say(this.done, "");
  }

  async #submit() {
    if (this.#busy || this.#fields === null) return;
    this.#busy = true;
    say(this.said, "");
    say(this.done, "");
    try {
      const { path, body } = await this.#fields.order();
      const text = JSON.stringify([path, body]);
      if (this.#open.body !== text) this.#open = { body: text, key: key() };
      await call("POST", path, body, { "Idempotency-Key": this.#open.key });
      this.#open = { body: "", key: "" };
      say(this.done, "Started.");
    } catch (error) {
      say(this.said, worded(/** @type {any} */ (error)));
    } finally {
      this.#busy = false;
    }
  }
}

const worded = (/** @type {{field?: string | null, message: string}} */ { field, message }) =>
  field && !message.includes(field) ? `${field}: ${message}` : message;

/** Make a group of options; null where there are none. */
function group(/** @type {string} */ label, /** @type {[string, string][]} */ pairs) {
  return pairs.length
    ? make("optgroup", { label }, ...pairs.map(([value, text]) => make("option", { value }, text)))
    : null;
}

/** Throw a key that makes an order one, however often it is sent. */
function key() {
  // randomUUID is not there on plain http.
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((each) => each.toString(16).padStart(2, "0"))
    .join("");
}
