import { once } from "node:events";
import http from "node:http";
import { bounded } from "./hearing.js";

/** A Runrelay server as small as can be: tests say what its streams send, and what it answers. */
export class Relay {
  /** Every request: `{method, path, headers, body}`. */
  asked = [];
  /** By `METHOD /path`: what is answered, `[status, body, headers]`, or a function that is. */
  answers = {};
  #streams = [];
  #waiting = [];
  #server;

  static async open() {
    const relay = new Relay();
    relay.#server = http.createServer((request, response) => relay.#answer(request, response));
    relay.#server.listen(0, "127.0.0.1");
    await once(relay.#server, "listening");
    return relay;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Resolves with the next stream that is opened. */
  stream() {
    const coming = new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#match();
    });
    return bounded(coming, "a stream");
  }

  async #answer(request, response) {
    const pieces = await request.toArray();
    const { method, url: path, headers } = request;
    const asked = { method, path, headers, body: Buffer.concat(pieces).toString() };
    this.asked.push(asked);
    const given = this.answers[`${method} ${path}`];
    if (given) {
      const [status, body, more = {}] = typeof given === "function" ? given(asked) : given;
      response.writeHead(status, more);
      return response.end(typeof body === "string" ? body : JSON.stringify(body));
    }
    if (!/\/events(\?|$)/.test(path)) return response.writeHead(404).end("{}");
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.flushHeaders();
    this.#streams.push(new Sent(asked, response));
    this.#match();
  }

  #match() {
    while (this.#streams.length && this.#waiting.length) {
      this.#waiting.shift()(this.#streams.shift());
    }
  }
}

/** One stream, from the server's side. */
class Sent {
  constructor(asked, response) {
    this.asked = asked;
    this.#response = response;
    this.#closed = once(response, "close");
  }

  #response;
  #closed;

  /** Resolves when the connection is gone. */
  get closed() {
    return bounded(this.#closed, "the end of a stream");
  }

  send(kind, data, id) {
    const named = id ? `id: ${id}\n` : "";
    this.#response.write(`event: ${kind}\n${named}data: ${JSON.stringify(data)}\n\n`);
    return this;
  }

  text(text) {
    this.#response.write(text);
    return this;
  }

  /** Send a snapshot. */
  all(states, id) {
    this.send("reset", { reason: "new" });
    for (const state of states) this.send("generation", state);
    return this.send("ready", {}, id);
  }

  cut() {
    this.#response.destroy();
  }

  end() {
    this.#response.end();
  }
}

/** A state as the server shows it. */
export function aState(version, more = {}) {
  return {
    id: "a",
    version,
    status: "running",
    progress: 0,
    liveStatus: null,
    queuePosition: null,
    expectedStartAt: null,
    attempt: 1,
    jobId: null,
    price: null,
    statusReason: null,
    responsePayload: { outputs: [], error: null },
    ...more,
  };
}
