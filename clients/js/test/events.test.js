import assert from "node:assert/strict";
import { test } from "node:test";
import { Reader } from "../events.js";

const TEXT =
  "retry: 2000\n\n: still here\r\n\r\nevent: generation\r\nid: 17.3\r\ndata: {\r\ndata: }\r\n\r\n" +
  "id: 18.1\ndata:bare\ndata\n\nevent: nothing\n\nunknown: field\rdata: last\r\r";
const EVENTS = [
  { kind: "generation", data: "{\n}", id: "17.3" },
  { kind: "message", data: "bare\n", id: "18.1" },
  { kind: "message", data: "last", id: null },
];

test("events are the same wherever the pieces of their stream end", () => {
  for (let cut = 0; cut <= TEXT.length; cut++) {
    const reader = new Reader();
    const pieces = [TEXT.slice(0, cut), TEXT.slice(cut), "\n"];
    const events = pieces.flatMap((piece) => reader.feed(piece));
    assert.deepEqual(events, EVENTS, `cut at ${cut}`);
    assert.equal(reader.retry, 2000);
  }
});
