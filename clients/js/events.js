/**
 * Reads `text/event-stream` (WHATWG HTML, 9.2.6), as it comes: in pieces that end anywhere.
 *
 * `EventSource` would do that too, but sends no token in a header, does not say why it was
 * refused, and is not there in Node 20.
 */
export class Reader {
  #rest = "";
  #kind = "";
  #data = [];
  #id = null;

  /** The wait before a new connection that the server asks for, in milliseconds; or null. */
  retry = null;

  /**
   * Take a piece.
   *
   * @param {string} text
   * @returns {{kind: string, data: string, id: string | null}[]} What it completes; `id` is the
   *   event's own, or null.
   */
  feed(text) {
    const all = this.#rest + text;
    // A carriage return at the end may be the first half of a line's end.
    const whole = all.endsWith("\r") ? all.slice(0, -1) : all;
    const lines = whole.split(/\r\n|\n|\r/);
    this.#rest = lines.pop() + all.slice(whole.length);
    return lines.map((line) => this.#line(line)).filter((event) => event !== null);
  }

  #line(line) {
    if (line === "") return this.#dispatch();
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#kind = value;
    else if (field === "id") this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
    return null;
  }

  #dispatch() {
    const [kind, data, id] = [this.#kind, this.#data, this.#id];
    [this.#kind, this.#data, this.#id] = ["", [], null];
    return data.length ? { kind: kind || "message", data: data.join("\n"), id } : null;
  }
}
