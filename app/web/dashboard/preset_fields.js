/** What a preset asks for, and of whom. */

import { call } from "./api.js";
import { field, line, words } from "./fields.js";
import { make } from "./dom.js";

const ID = /[0-9a-f]{32}/;
const LINE = 120;
const PAUSE = 250;

/**
 * Return the fields of a preset.
 *
 * @param {any} preset As the API shows it.
 * @returns {import("./order.js").Fields}
 */
export function presetFields(preset) {
  const person = personField();
  /** @type {{name: string, element: Node, read: (user: string) => Promise<unknown>}[]} */
  const inputs = preset.inputs.map(inputField);
  return {
    about: preset.help,
    elements: [person.element, ...inputs.map((each) => each.element)],
    order: async () => {
      const user = person.read();
      const read = await Promise.all(
        inputs.map(async (each) => [each.name, await each.read(user)]),
      );
      const given = read.filter(([, value]) => value !== undefined);
      const body = { user, preset: preset.name, inputs: Object.fromEntries(given) };
      return { path: "jobs/create", body };
    },
  };
}

/** Who orders: found as one types, by an id or a name. */
function personField() {
  const options = make("datalist", { id: "people" });
  const control = line("", {
    list: "people",
    required: true,
    placeholder: "a name, @username or id",
  });
  let waiting = 0;
  const find = async () => {
    const words = control.value.trim();
    if (ID.test(words)) return;
    const found = await call(
      "GET",
      words ? `users?find=${encodeURIComponent(words)}` : "users?limit=20",
    ).catch(() => ({ items: [] }));
    options.replaceChildren(
      ...found.items.map((/** @type {any} */ each) => make("option", { value: personOf(each) })),
    );
  };
  control.oninput = () => {
    clearTimeout(waiting);
    waiting = setTimeout(find, PAUSE);
  };
  control.onfocus = find;
  const element = field("For", control, "Whose credits pay for it.");
  element.append(options);
  return {
    element,
    read: () => {
      const [id] = control.value.match(ID) ?? [];
      if (!id) throw new Error("Choose a person from the list, or give their id.");
      return id;
    },
  };
}

/** Return how a person stands in the list: by all that they may be known by. */
function personOf(/** @type {any} */ { firstName, username, telegramId, id }) {
  const known = [firstName, username && `@${username}`, telegramId && `Telegram ${telegramId}`];
  return [...known.filter(Boolean), id].join(" ");
}

/** The field of one input. What is left empty is not given: the preset's own value is taken. */
function inputField(/** @type {any} */ input) {
  const control = controlOf(input);
  // A box to be ticked shows by itself what is usual.
  const told = input.required || input.default === null || input.type === "boolean";
  const hint = told ? undefined : `Usually ${String(input.default)}.`;
  return {
    name: input.name,
    element: field(input.title, control, hint),
    read: (/** @type {string} */ user) => valueOf(input, control, user),
  };
}

function controlOf(/** @type {any} */ input) {
  const { required } = input;
  const { min, max, maxLength } = input.bounds;
  switch (input.type) {
    case "choice":
      return make(
        "select",
        { required },
        ...[...(required ? [] : [{ value: "", title: "–" }]), ...input.choices].map((each) =>
          make("option", { value: each.value }, each.title),
        ),
      );
    case "boolean":
      return make("input", { type: "checkbox", checked: input.default === true });
    case "integer":
    case "number":
      return line("", {
        type: "number",
        min,
        max,
        required,
        step: input.type === "integer" ? 1 : "any",
      });
    case "image":
      return make("input", { type: "file", accept: "image/*", required });
    default:
      return maxLength !== null && maxLength <= LINE
        ? line("", { required, dir: "auto" })
        : words("", { required });
  }
}

async function valueOf(
  /** @type {any} */ input,
  /** @type {any} */ control,
  /** @type {string} */ user,
) {
  if (input.type === "boolean") return control.checked;
  if (input.type === "image") return control.files[0] && (await uploaded(control.files[0], user));
  if (control.value === "") return undefined;
  if (input.type === "integer" || input.type === "number") return Number(control.value);
  if (input.type === "choice")
    return input.choices.find((/** @type {any} */ each) => String(each.value) === control.value)
      ?.value;
  return control.value;
}

/** Give the service somebody's picture; return what it is called there. */
async function uploaded(/** @type {File} */ file, /** @type {string} */ user) {
  return (await call("POST", `images?user=${user}`, file, { "Content-Type": file.type })).id;
}
