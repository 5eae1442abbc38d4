/** What each engine is told to run, with a prompt. */

import { field, line, words } from "./fields.js";
import { make } from "./dom.js";

const VERSION = /^[0-9a-f]{64}$|:[0-9a-f]{64}$/;
/** A model or a version; a browser reads it as that of a whole value. */
const MODEL = "[\\w\\-][\\w.\\-]*/[\\w\\-][\\w.\\-]*|([^:]+:)?[0-9a-f]{64}";
const MODEL_HINT = "owner/name of an official model, or a version of 64 digits.";
const PATH = "generations";

/**
 * Return the fields of an engine.
 *
 * @param {string} engine
 * @param {any} example An order that works; null where nobody knows one.
 * @returns {import("./order.js").Fields}
 */
export function engineFields(engine, example) {
  const ours = example?.engine === engine ? example : null;
  const prompt = words(example?.inputs?.prompt ?? "", { required: true });
  if (engine === "comfyui") return comfyui(prompt);
  const cloud = engine === "comfydeploy";
  const what = line(ours?.deployment_id ?? "", {
    required: true,
    placeholder: cloud ? "its id" : "owner/name",
    pattern: cloud ? null : MODEL,
    title: cloud ? null : MODEL_HINT,
  });
  return {
    about: "",
    elements: [
      field("Prompt", prompt),
      field(
        cloud ? "Deployment" : "Model",
        what,
        cloud ? "The id of a deployment at ComfyDeploy." : MODEL_HINT,
      ),
    ],
    order: async () => {
      const named = what.value.trim();
      const target = cloud
        ? { deployment_id: named }
        : VERSION.test(named)
          ? { version: named }
          : { model: named };
      const rate = ours?.metadata?.costRate;
      const metadata = rate ? { metadata: { costRate: rate } } : {};
      return {
        path: PATH,
        body: { engine, ...target, inputs: { prompt: prompt.value }, ...metadata },
      };
    },
  };
}

/** A ComfyUI server is given a workflow; its prompt goes into one of the texts in it. */
function comfyui(/** @type {any} */ prompt) {
  const graph = words("", {
    rows: 5,
    spellcheck: "false",
    required: true,
    placeholder: '{"6": {"class_type": "CLIPTextEncode", …',
  });
  const into = make("select", {});
  const read = () =>
    into.replaceChildren(
      ...textsOf(graph.value).map((each) => make("option", { value: each }, each)),
    );
  const file = make("input", { type: "file", accept: ".json,application/json" });
  file.onchange = async () => {
    graph.value = (await file.files?.[0]?.text()) ?? "";
    read();
  };
  graph.oninput = read;
  read();
  return {
    about: "",
    elements: [
      field("Prompt", prompt),
      field(
        "Workflow",
        graph,
        "As ComfyUI exports it for the API, or the digest of one that is stored.",
      ),
      field("… from a file", file),
      field("The prompt goes into", into, "Node and input."),
    ],
    order: async () => {
      const inputs = into.value ? { [into.value]: prompt.value } : {};
      const workflow = parsed(graph.value) ?? graph.value.trim();
      return { path: PATH, body: { engine: "comfyui", workflow, inputs } };
    },
  };
}

/** Return a workflow that is written out; null where it is none. */
function parsed(/** @type {string} */ text) {
  try {
    const graph = JSON.parse(text);
    return typeof graph === "object" ? graph : null;
  } catch {
    return null;
  }
}

/** Return where a workflow has texts, as `node/input`: first those that are called so. */
function textsOf(/** @type {string} */ text) {
  const graph = parsed(text);
  if (graph === null) return [];
  const all = Object.entries(graph).flatMap(([id, node]) =>
    Object.entries(node?.inputs ?? {})
      .filter(([, value]) => typeof value === "string")
      .map(([name]) => `${id}/${name}`),
  );
  const isText = (/** @type {string} */ each) => /\/(text|prompt)$/.test(each);
  return [...all.filter(isText), ...all.filter((each) => !isText(each))];
}
