import { once } from "node:events";
import http from "node:http";
import { bounded } from "./hearing.js";
import { accept } from "./websocket.js";

/** A ComfyUI as small as can be: tests say what it has, and what its socket says. */
export class Comfy {
  running = [];
  pending = [];
  history = {};
  /** Every POST: `[path, body]`. */
  posted = [];
  /** What happens on a POST before it is answered, by path. */
  on = {};
  /** What every GET is answered with; null for what it asks for. */
  refusal = null;
  /** How many times the queue was asked for. */
  looks = 0;
  /** The sockets that are open now. */
  open = new Set();
  #sockets = [];
  #waiting = [];
  #server;

  static async open(port = 0) {
    const comfy = new Comfy();
    comfy.#server = http.createServer((request, response) => comfy.#answer(request, response));
    comfy.#server.on("upgrade", (request, stream) => comfy.#meet(request, stream));
    comfy.#server.listen(port, "127.0.0.1");
    await once(comfy.#server, "listening");
    return comfy;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
    for (const socket of this.open) socket.cut();
  }

  /** Resolves with the next socket that is opened, once it has said what it wants. */
  socket() {
    const coming = new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#match();
    });
    return bounded(coming, "a socket");
  }

  /** Return an item of the queue. */
  item(id, number, client = "somebody") {
    return [number, id, GRAPH, { client_id: client, create_time: 1795304453000 + number }, ["2"]];
  }

  /** Take an order into the queue, running; return its id. */
  take({ prompt_id: id, client_id: client }) {
    this.running.push(this.item(id, 1, client));
    return { prompt_id: id, number: 1, node_errors: {} };
  }

  /** End a run as a server does: out of the queue, into the history. */
  end(id, status = "success", ...messages) {
    this.running = this.running.filter((item) => item[1] !== id);
    this.history[id] = {
      prompt: this.item(id, 1),
      outputs: { 2: { images: [{ filename: "a b.png", subfolder: "s", type: "output" }] } },
      status: { status_str: status, completed: status === "success", messages },
    };
  }

  async #answer(request, response) {
    const body = Buffer.concat(await request.toArray()).toString();
    const path = request.url;
    if (request.method === "POST") {
      const told = JSON.parse(body);
      this.posted.push([path, told]);
      const answer = await this.on[path]?.(told);
      if (answer === CUT) return request.socket.destroy();
      const [status, said] = Array.isArray(answer) ? answer : [200, answer ?? {}];
      return response.writeHead(status).end(JSON.stringify(said));
    }
    if (this.refusal) return response.writeHead(this.refusal).end();
    const { pathname } = new URL(path, this.url);
    const [, what, id] = pathname.split("/");
    if (what === "queue") this.looks++;
    const queue = { queue_running: this.running, queue_pending: this.pending };
    const one = id in this.history ? { [id]: this.history[id] } : {};
    const said = what === "queue" ? queue : id ? one : this.history;
    // As Python writes it.
    response.end(JSON.stringify(said).replaceAll('"NaN"', "NaN"));
  }

  #meet(request, stream) {
    const socket = /** @type {any} */ (accept(request, stream));
    this.open.add(socket);
    socket.addEventListener("close", () => this.open.delete(socket));
    socket.address = request.url;
    socket.say = (type, data) => socket.send(JSON.stringify({ type, data }));
    socket.addEventListener("message", ({ data }) => {
      socket.wanted = JSON.parse(data);
      socket.say("feature_flags", { supports_preview_metadata: true });
      this.#sockets.push(socket);
      this.#match();
    });
  }

  #match() {
    while (this.#sockets.length && this.#waiting.length) {
      this.#waiting.shift()(this.#sockets.shift());
    }
  }
}

/** What a POST is answered with whose answer is lost. */
export const CUT = Symbol("cut");

export const GRAPH = {
  1: { class_type: "EmptyImage", inputs: { is_changed: "NaN" } },
  2: { class_type: "SaveImage", inputs: { images: ["1", 0] }, _meta: { title: "Keep it" } },
};

/** A preview that says whose it is. */
export function frame(id, image, type = "image/png") {
  const told = Buffer.from(JSON.stringify({ prompt_id: id, image_type: type }));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(4, 0);
  head.writeUInt32BE(told.length, 4);
  return Buffer.concat([head, told, Buffer.from(image)]);
}

/** A preview that does not. */
export function namelessFrame(image) {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(1, 0);
  head.writeUInt32BE(2, 4);
  return Buffer.concat([head, Buffer.from(image)]);
}
