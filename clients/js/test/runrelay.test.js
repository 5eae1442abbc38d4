import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { ClientError, RunError, connect, isOver } from "../comfyui-client.js";
import { HandClock } from "./hand-clock.js";
import { all, next } from "./hearing.js";
import { Relay, aState } from "./relay.js";

const IMAGE = { id: "1/images/0", kind: "image", mediaUrl: null };

let relay;
let clock;
let client;

function connected(more = {}) {
  client?.close();
  client = connect({ server: `${relay.url}/`, token: "the-token", clock, ...more });
  return client;
}

beforeEach(async () => {
  relay = await Relay.open();
  clock = new HandClock();
  client = null;
  connected();
});

afterEach(() => {
  client.close();
  relay.close();
});

test("a run is watched to its end: states, progress, pictures, end", async () => {
  relay.answers["GET /api/generations/a/preview"] = [200, "png", { ETag: '"1"' }];
  const called = [];
  const note = (name) => (given) => called.push([name, given.version ?? given.connected]);
  const run = client.watch("a", {
    onProgress: note("progress"),
    onComplete: note("complete"),
    onChange: note("change"),
    onConnection: note("connection"),
    onError: note("error"),
  });
  const shown = next(run, "preview");
  const stream = await relay.stream();
  assert.equal(stream.asked.path, "/api/generations/a/events");
  assert.equal(stream.asked.headers.authorization, "Bearer the-token");
  stream.all([aState(3, { progress: 0.2 })], "7.1");
  stream.send("generation", aState(2), "7.2").send("generation", aState(4, { progress: 0.2 }));
  stream.send("preview", { id: "a", at: "2026-11-22T12:00:00Z" });
  const { url } = await shown;
  assert.equal(await (await fetch(url)).text(), "png");
  assert.equal(run.preview, url);
  stream.send("generation", aState(5, { status: "completed", progress: 1 }), "7.3");
  assert.equal((await run.done).version, 5);
  assert.deepEqual(called, [
    ["change", 3],
    ["progress", 3],
    ["connection", true],
    ["change", 4],
    ["change", 5],
    ["progress", 5],
    ["complete", 5],
  ]);
  await stream.closed;
});

test("a stream that broke goes on where it was complete, and later each time", async () => {
  const run = client.watch("a");
  const lost = next(run, "connection", ({ connected }) => !connected);
  const first = await relay.stream();
  first
    .text("retry: 2000\n\n")
    .all([aState(1)], "7.1")
    .send("generation", aState(2), "7.2");
  await next(run, "change", ({ version }) => version === 2);
  first.cut();
  assert.equal((await lost).error.code, "unreachable");
  await clock.pass(2_000);
  const second = await relay.stream();
  assert.equal(second.asked.headers["last-event-id"], "7.2");
  // It breaks before what was missed is complete: it is all to come again.
  second.send("generation", aState(3), "7.3");
  await next(run, "change");
  second.cut();
  await clock.pass(4_000);
  const third = await relay.stream();
  assert.equal(third.asked.headers["last-event-id"], "7.2");
  third.end();
  await clock.pass(8_000);
  const fourth = await relay.stream();
  fourth.send("reset", { reason: "too_old" });
  fourth.send("generation", aState(4, { status: "failed" }), "8.1");
  assert.equal((await run.done).status, "failed");
});

test("a snapshot that broke off is asked for anew", async () => {
  const run = client.watch("a");
  const first = await relay.stream();
  first.send("reset", { reason: "new" }).send("generation", aState(1), "7.1");
  await next(run, "change");
  first.cut();
  await clock.pass(1_000);
  assert.equal((await relay.stream()).asked.headers["last-event-id"], undefined);
});

test("a stream that is silent for 40 s is begun anew; a comment is a sign of life", async () => {
  const run = client.watch("a");
  const first = await relay.stream();
  first.all([aState(1)], "7.1");
  await next(run, "change");
  clock.advance(35_000);
  first.text(": \n\n").send("generation", aState(2), "7.2");
  await next(run, "change");
  clock.advance(35_000);
  assert.equal(run.connected, true);
  const lost = next(run, "connection");
  clock.advance(5_000);
  assert.equal((await lost).error.code, "silent");
  await first.closed;
  await clock.pass(1_000);
  assert.equal((await relay.stream()).asked.headers["last-event-id"], "7.2");
});

test("a token that expires is asked for anew, in the stream and in the answer", async () => {
  let asked = 0;
  connected({ token: async () => `token-${++asked}` });
  const run = client.watch("a");
  const first = await relay.stream();
  assert.equal(first.asked.headers.authorization, "Bearer token-1");
  first.all([aState(1)], "7.1").send("bye", { reason: "expired", again: true });
  const second = await relay.stream();
  assert.equal(second.asked.headers.authorization, "Bearer token-2");
  assert.equal(second.asked.headers["last-event-id"], "7.1");
  relay.answers["POST /api/generations/a/cancel"] = ({ headers }) =>
    headers.authorization === "Bearer token-3"
      ? [200, aState(2, { status: "cancelled" })]
      : [401, { reason: "token_expired", detail: "it has expired" }];
  assert.equal((await run.cancel()).status, "cancelled");
  assert.equal((await run.done).status, "cancelled");
  assert.equal(asked, 3);
});

test("one that cannot be renewed ends the watching with a word", async () => {
  const run = client.watch("a");
  const failed = next(run, "error");
  (await relay.stream()).all([aState(1)], "7.1").send("bye", { reason: "expired", again: true });
  assert.equal((await failed).code, "expired");
  await assert.rejects(run.done, ClientError);
  relay.answers["GET /api/generations/b/events"] = [401, { reason: "token_expired" }];
  await assert.rejects(client.watch("b").done, { code: "token_expired", status: 401 });
});

test("a token that cannot be had is asked for again, unless there will be none", async () => {
  let asked = 0;
  connected({
    token: () => {
      if (++asked === 1) throw new Error("no network");
      throw new ClientError("signed_out", "there will be none");
    },
  });
  const run = client.watch("a");
  const lost = next(run, "connection");
  assert.equal((await lost).error.code, "no_token");
  await clock.pass(1_000);
  await assert.rejects(run.done, { code: "signed_out" });
});

test("the last word of a stream is obeyed", async () => {
  const run = client.watch("a");
  (await relay.stream()).all([], "7.1").send("bye", { reason: "stopping", again: true });
  await clock.pass(1_000);
  (await relay.stream()).send("bye", { reason: "signed_out", again: false });
  await assert.rejects(run.done, { code: "signed_out", passing: false });
});

test("a server that asks for time is given it, and one that refuses is not asked again", async () => {
  relay.answers["GET /api/generations/a/events"] = [
    503,
    { reason: "busy" },
    { "Retry-After": "9" },
  ];
  const run = client.watch("a");
  await clock.waits(9_000);
  relay.answers["GET /api/generations/a/events"] = [404, { reason: "not_found", detail: "gone" }];
  clock.advance(9_000);
  await assert.rejects(run.done, { code: "not_found", status: 404, message: "gone" });
  assert.equal(relay.asked.length, 2);
});

test("nothing is told once the watching has ended, and the run goes on", async () => {
  const ending = new AbortController();
  const run = client.watch("a", { signal: ending.signal });
  const heard = all(run, ["change", "error", "connection"]);
  const stream = await relay.stream();
  ending.abort();
  await stream.closed;
  await assert.rejects(run.done, { name: "AbortError" });
  await assert.rejects(client.watch("a", { signal: ending.signal }).done, { name: "AbortError" });
  assert.deepEqual(heard, []);
  assert.equal(relay.asked.length, 1);
  const other = client.watchAll();
  await relay.stream();
  client.close();
  await assert.rejects(other.ready, { name: "AbortError" });
});

test("an order is posted once, under its key, however often it is tried", async () => {
  const keys = new Set();
  relay.answers["POST /api/generations"] = ({ headers, body }) => {
    keys.add(headers["idempotency-key"]);
    assert.deepEqual(JSON.parse(body), { engine: "comfyui" });
    return relay.asked.length < 3 ? [503, {}] : [201, aState(1, { status: "pending" })];
  };
  const starting = client.start({ engine: "comfyui" });
  await clock.pass(500);
  await clock.pass(1_000);
  const run = await starting;
  assert.equal(run.state.status, "pending");
  assert.equal(keys.size, 1);
  relay.answers["POST /api/generations"] = [422, { reason: "workflow_refused", title: "Refused" }];
  const refused = client.start({ engine: "comfyui" }, { idempotencyKey: "k" });
  await assert.rejects(refused, { code: "workflow_refused", message: "Refused" });
  assert.equal(relay.asked.at(-1).headers["idempotency-key"], "k");
});

test("an answer that does not come is given up", async () => {
  const never = (_, { signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  connected({ fetch: never });
  const reading = assert.rejects(client.read("a"), { code: "late" });
  for (const pause of [500, 1_000, 2_000]) {
    await clock.pass(30_000);
    await clock.pass(pause);
  }
  await clock.pass(30_000);
  await reading;
});

test("complete is told when what was made can be had, or after 10 s", async () => {
  const run = client.watch("a");
  const stream = await relay.stream();
  const over = { status: "completed", jobId: "j" };
  const made = (mediaUrl) => ({ outputs: [{ ...IMAGE, mediaUrl }], error: null });
  stream.all([aState(1, { ...over, responsePayload: made(null) })], "7.1");
  await next(run, "change");
  assert.ok(isOver(run.state));
  stream.send("generation", aState(2, { ...over, responsePayload: made("/media/1") }), "7.2");
  const [output] = (await next(run, "complete")).responsePayload.outputs;
  assert.equal(output.mediaUrl, "/media/1");
  // Its price comes after: it is followed till then.
  stream.send("generation", aState(3, { ...over, price: "4" }), "7.3");
  await stream.closed;
  assert.equal(run.state.price, "4");

  const late = client.watch("a");
  (await relay.stream()).all([aState(1, { ...over, responsePayload: made(null) })], "7.1");
  await clock.waits(10_000);
  const told = next(late, "complete");
  clock.advance(10_000);
  assert.equal((await told).version, 1);
});

test("a run that failed says why", async () => {
  const run = client.watch("a");
  const error = next(run, "error");
  const responsePayload = { outputs: [], error: "out of memory" };
  (await relay.stream()).all([aState(1, { status: "failed", responsePayload })], "7.1");
  assert.ok((await error) instanceof RunError);
  assert.equal((await error).message, "out of memory");
  assert.equal((await error).code, "failed");
  assert.equal((await run.done).status, "failed");
});

test("a picture keeps its address until it changes, and is asked for once", async () => {
  const preview = "GET /api/generations/a/preview";
  relay.answers[preview] = [200, "one", { ETag: '"1"' }];
  const [one, same] = await Promise.all([client.preview("a"), client.preview("a")]);
  assert.equal(one, same);
  assert.equal(relay.asked.length, 1);
  assert.equal(await client.preview("a"), one);
  relay.answers[preview] = [200, "two", { ETag: '"2"' }];
  const two = await client.preview("a");
  assert.notEqual(two, one);
  // The one before may still be on its way to the screen; the one before that is gone.
  assert.equal(await (await fetch(one)).text(), "one");
  relay.answers[preview] = [200, "three", { ETag: '"3"' }];
  const three = await client.preview("a");
  await assert.rejects(fetch(one));
  assert.equal(await client.preview("b"), null);
  client.close();
  await assert.rejects(fetch(three));
});

test("all runs are watched, and after a snapshot those that it left out are read", async () => {
  const runs = client.watchAll({ user: "u", status: "open" });
  const shown = next(runs, "preview");
  const first = await relay.stream();
  assert.equal(first.asked.path, "/api/events?user=u&status=open");
  first.all([aState(1), aState(1, { id: "b" }), aState(1, { id: "c" })], "7.1");
  first.send("job", { id: "j", version: 1, status: "active" });
  first.send("preview", { id: "b", at: "2026-11-22T12:00:00Z" });
  await runs.ready;
  assert.equal((await shown).id, "b");
  assert.deepEqual([...runs.states.keys()], ["a", "b", "c"]);
  assert.equal(runs.jobs.get("j").status, "active");
  first.cut();
  relay.answers["GET /api/generations/b"] = [200, aState(9, { id: "b", status: "completed" })];
  relay.answers["GET /api/generations/c"] = [404, {}];
  relay.answers["GET /api/jobs/j"] = [200, { id: "j", version: 2, status: "completed" }];
  await clock.pass(1_000);
  const second = await relay.stream();
  const gone = next(runs, "change", ({ id, state }) => id === "c" && state === null);
  const ended = next(runs, "job");
  second.all([aState(2)], "9.1");
  await gone;
  assert.equal((await ended).job.status, "completed");
  assert.equal(runs.states.get("b").status, "completed");
  assert.deepEqual([...runs.states.keys()], ["a", "b"]);
  assert.ok(!relay.asked.some(({ path }) => path === "/api/generations/a"));
  assert.equal(runs.connected, true);
});

test("what cannot be read after a snapshot is read later", async () => {
  const runs = client.watchAll();
  const first = await relay.stream();
  first.all([aState(1)], "7.1");
  await runs.ready;
  relay.answers["GET /api/generations/a"] = [503, {}];
  first.all([], "8.1");
  for (const pause of [500, 1_000, 2_000]) await clock.pass(pause);
  relay.answers["GET /api/generations/a"] = [200, aState(2, { status: "cancelled" })];
  clock.advance(2_000);
  assert.equal((await next(runs, "change")).state.status, "cancelled");
});

test("nothing is taken for gone that may not be read any more", async () => {
  const runs = client.watchAll();
  const first = await relay.stream();
  first.all([aState(1)], "7.1");
  await runs.ready;
  relay.answers["GET /api/generations/a"] = [401, { reason: "token_expired" }];
  first.all([], "8.1").send("bye", { reason: "expired", again: true });
  assert.equal((await next(runs, "error")).code, "expired");
  assert.equal(runs.states.size, 1);
});

test("of runs that are over the last 500 are kept", async () => {
  const runs = client.watchAll();
  const stream = await relay.stream();
  const many = Array.from({ length: 501 }, (_, i) => aState(1, { id: `${i}`, status: "failed" }));
  stream.all([aState(1), ...many], "7.1");
  await runs.ready;
  assert.equal(runs.states.size, 501);
  assert.ok(runs.states.has("a") && !runs.states.has("0"));
});

test("watching all fails with a word", async () => {
  relay.answers["GET /api/events"] = [403, { reason: "scope", detail: "may not" }];
  const runs = client.watchAll();
  assert.equal((await next(runs, "error")).code, "scope");
  await assert.rejects(runs.ready, { code: "scope" });
});

test("a client has one way in, and an address that can be understood", () => {
  assert.throws(() => connect(/** @type {any} */ ({})), TypeError);
  const both = /** @type {any} */ ({ server: "http://x", comfyui: "http://y" });
  assert.throws(() => connect(both), TypeError);
  assert.throws(() => connect({ server: "" }), TypeError);
});
