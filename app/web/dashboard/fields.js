/** Fields of forms, each with its label. */

import { make } from "./dom.js";

let made = 0;

/**
 * Make a field.
 *
 * @param {string} title A stranger's words, perhaps.
 * @param {any} control The element to fill in; it is given an id.
 * @param {string} [hint]
 */
export function field(title, control, hint) {
  control.id = `field-${++made}`;
  if (hint) control.setAttribute("aria-describedby", `${control.id}-hint`);
  return make(
    "div",
    { class: control.type === "checkbox" ? "field check" : "field" },
    make("label", { for: control.id }, make("bdi", {}, title)),
    control,
    hint ? make("p", { class: "hint", id: `${control.id}-hint` }, hint) : null,
  );
}

/** Make a place for words of any length. */
export const words = (/** @type {string} */ value, given = {}) => {
  const area = make("textarea", { rows: 2, dir: "auto", ...given });
  area.value = value;
  return area;
};

/** Make a place for one line. */
export const line = (/** @type {string} */ value, given = {}) => {
  const input = make("input", { autocomplete: "off", spellcheck: "false", ...given });
  input.value = value;
  return input;
};
