/**
 * WebSockets (RFC 6455) as far as these tests need them: whole messages, no fragments. Both ends,
 * for Node 20 has neither.
 */

import { createHash, randomBytes } from "node:crypto";
import http from "node:http";

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** One end of a connection: events `message` (text or ArrayBuffer) and `close`. */
class End extends EventTarget {
  #rest = Buffer.alloc(0);
  #stream = null;
  #masks;
  #over = false;

  constructor(masks) {
    super();
    this.#masks = masks;
  }

  join(stream, head) {
    this.#stream = stream;
    stream.on("data", (piece) => this.#take(piece));
    stream.on("close", () => this.#end());
    stream.on("error", () => {});
    if (head.length) this.#take(head);
  }

  send(message) {
    const text = typeof message === "string";
    this.#write(text ? TEXT : BINARY, Buffer.from(message));
  }

  close() {
    if (!this.#stream || this.#stream.destroyed) return;
    this.#write(CLOSE, Buffer.alloc(0));
    this.#stream.end();
  }

  /** Break it off without a word. */
  cut() {
    this.#stream.destroy();
  }

  tell(kind, data) {
    this.dispatchEvent(Object.assign(new Event(kind), { data }));
  }

  #end() {
    if (!this.#over) this.tell("close");
    this.#over = true;
  }

  #write(kind, body) {
    const long = body.length > 125;
    const head = Buffer.alloc(long ? 10 : 2);
    head[0] = 0x80 | kind;
    head[1] = (this.#masks ? 0x80 : 0) | (long ? 127 : body.length);
    if (long) head.writeBigUInt64BE(BigInt(body.length), 2);
    // A mask of noughts leaves the bytes as they are.
    const mask = this.#masks ? Buffer.alloc(4) : Buffer.alloc(0);
    this.#stream.write(Buffer.concat([head, mask, body]));
  }

  #take(piece) {
    this.#rest = Buffer.concat([this.#rest, piece]);
    for (;;) {
      const rest = this.#rest;
      if (rest.length < 2) return;
      const short = rest[1] & 0x7f;
      const start = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (rest.length < start) return;
      const length =
        short === 127
          ? Number(rest.readBigUInt64BE(2))
          : short === 126
            ? rest.readUInt16BE(2)
            : short;
      const body = start + (rest[1] & 0x80 ? 4 : 0);
      if (rest.length < body + length) return;
      this.#rest = rest.subarray(body + length);
      this.#tell(rest[0] & 0x0f, rest.subarray(body, body + length));
    }
  }

  #tell(kind, body) {
    if (kind === TEXT) this.tell("message", body.toString());
    else if (kind === BINARY) this.tell("message", new Uint8Array(body).buffer);
    else if (kind === CLOSE) this.#stream.end();
  }
}

/** Stands for the browser's class. */
export class WebSocket extends End {
  constructor(address) {
    super(true);
    const key = randomBytes(16).toString("base64");
    const headers = {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Key": key,
      "Sec-WebSocket-Version": "13",
    };
    this.#request = http.get(address.replace(/^ws/, "http"), { headers });
    this.#request.on("upgrade", (_, stream, head) => {
      this.#request = null;
      this.join(stream, Buffer.alloc(0));
      this.tell("open");
      stream.emit("data", head);
    });
    this.#request.on("response", (response) => response.destroy());
    this.#request.on("error", () => {});
    this.#request.on("close", () => this.#request && this.tell("close"));
  }

  #request;

  /** @override */
  close() {
    if (this.#request) this.#request.destroy();
    else super.close();
  }
}

/** Take an upgrade; return the server's end. */
export function accept(request, stream) {
  const key = request.headers["sec-websocket-key"] + GUID;
  const answer = createHash("sha1").update(key).digest("base64");
  stream.write(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      `Sec-WebSocket-Accept: ${answer}\r\n\r\n`,
  );
  const end = new End(false);
  end.join(stream, Buffer.alloc(0));
  return end;
}
