/**
 * Watch runs of a Runrelay server, or of a bare ComfyUI: one interface, two ways in.
 *
 *     import { connect } from "./comfyui-client.js";
 *     const run = connect({ server: "https://runs.example.com", token }).watch(id, { onProgress });
 *
 * Types, and what is said of every name, are in `comfyui-client.d.ts`.
 */

import { ComfyUI } from "./comfyui.js";
import { Pictures } from "./pictures.js";
import { Run } from "./run.js";
import { Runrelay } from "./runrelay.js";
import { Runs } from "./runs.js";
import { CLOCK } from "./waiting.js";

export { ClientError, RunError } from "./errors.js";
export { isOver } from "./states.js";

/**
 * @typedef {object} Inside What all that a client watches has in common.
 * @property {Runrelay | ComfyUI} way How the server is reached.
 * @property {Pictures} pictures
 * @property {Clock} clock
 * @property {AbortSignal} closed Comes when the client is closed.
 *
 * @typedef {import("./comfyui-client.d.ts").State} State
 * @typedef {import("./comfyui-client.d.ts").Job} Job
 * @typedef {import("./comfyui-client.d.ts").Clock} Clock
 * @typedef {import("./comfyui-client.d.ts").WatchOptions} WatchOptions
 * @typedef {import("./comfyui-client.d.ts").WatchAllOptions} WatchAllOptions
 */

/** @type {typeof import("./comfyui-client.d.ts").connect} */
export function connect(options) {
  const { server, comfyui } = options;
  if ((server === undefined) === (comfyui === undefined)) {
    throw new TypeError("connect: give either `server` (a Runrelay) or `comfyui` (a bare ComfyUI)");
  }
  // Called through, not kept: pages replace it, and it wants to be called on the window.
  const fetch = options.fetch ?? ((...given) => globalThis.fetch(...given));
  const given = { ...options, fetch, clock: options.clock ?? CLOCK };
  const address = absolute(server ?? comfyui);
  const way =
    comfyui === undefined
      ? new Runrelay({ ...given, server: address })
      : new ComfyUI({ ...given, comfyui: address });
  return new Client(way, given.clock);
}

class Client {
  constructor(way, clock) {
    this.#way = way;
    const pictures = new Pictures((id) => way.picture(id));
    this.#inside = { way, pictures, clock, closed: this.#open.signal };
  }

  #way;
  #open = new AbortController();
  #inside;

  watch(id, options = {}) {
    return new Run(this.#inside, id, options);
  }

  async start(order, options = {}) {
    const state = await this.#way.start(order, options);
    return new Run(this.#inside, state.id, options, state);
  }

  watchAll(options = {}) {
    return new Runs(this.#inside, options);
  }

  read(id) {
    return this.#way.read(id);
  }

  cancel(id) {
    return this.#way.cancel(id);
  }

  preview(id) {
    return this.#inside.pictures.get(id);
  }

  close() {
    this.#open.abort();
    this.#inside.pictures.clear();
  }
}

/** Return an address that needs no page to be understood, without a slash at its end. */
function absolute(address) {
  const { origin, pathname } = new URL(address || "/", globalThis.location?.href);
  return origin + pathname.replace(/\/+$/, "");
}
