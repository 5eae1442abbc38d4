import { Pictures } from "./pictures.js";
import { Run } from "./run.js";
import { Runs } from "./runs.js";

/**
 * @typedef {object} Inside What all that a client watches has in common.
 * @property {any} way How the server is reached: `Runrelay` or `ComfyUI`.
 * @property {Pictures} pictures
 * @property {import("./waiting.js").Clock} clock
 * @property {AbortSignal} closed Comes when the client is closed.
 */

/** What `connect` returns; every method is described in `comfyui-client.d.ts`. */
export class Client {
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
