/**
 * Watch runs of a Runrelay server, or of a bare ComfyUI: one interface, two ways in.
 *
 *     import { connect } from "./comfyui-client.js";
 *     const run = connect({ server: "https://runs.example.com", token }).watch(id, { onProgress });
 *
 * Types, and what is said of every name, are in `comfyui-client.d.ts`.
 */

import { Client } from "./client.js";
import { ComfyUI } from "./comfyui.js";
import { Runrelay } from "./runrelay.js";
import { CLOCK } from "./waiting.js";

export { ClientError, RunError } from "./errors.js";
export { isOver } from "./states.js";

/** @type {typeof import("./comfyui-client.d.ts").connect} */
export function connect(options) {
  const { server, comfyui } = options;
  if ((server === undefined) === (comfyui === undefined)) {
    throw new TypeError("connect: give either `server` (a Runrelay) or `comfyui` (a bare ComfyUI)");
  }
  // Called through, not kept: pages replace it, and it wants to be called on the window.
  const fetch = options.fetch ?? ((address, init) => globalThis.fetch(address, init));
  const given = { ...options, fetch, clock: options.clock ?? CLOCK };
  const address = absolute(server ?? comfyui);
  const way =
    comfyui === undefined
      ? new Runrelay({ ...given, server: address })
      : new ComfyUI({ ...given, comfyui: address });
  return new Client(way, given.clock);
}

/** Return an address that needs no page to be understood, without a slash at its end. */
function absolute(address) {
  const { origin, pathname } = new URL(address || "/", globalThis.location?.href);
  return origin + pathname.replace(/\/+$/, "");
}
