import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { connect } from "../comfyui-client.js";
import { CUT, Comfy, GRAPH, frame, namelessFrame } from "./comfy.js";
import { HandClock } from "./hand-clock.js";
import { all, next } from "./hearing.js";
import { WebSocket } from "./websocket.js";

const DONE = ["execution_success", { timestamp: 1795304460000 }];

let comfy;
let clock;
let client;

beforeEach(async () => {
  comfy = await Comfy.open();
  comfy.on["/prompt"] = (body) => comfy.take(body);
  clock = new HandClock();
  client = connect({ comfyui: comfy.url, clientId: "we", WebSocket, clock });
});

afterEach(() => {
  client.close();
  comfy.close();
});

/** Start a run; return it, its socket, and what says something of it. */
async function started(order = { workflow: GRAPH }) {
  const [socket, run] = await Promise.all([comfy.socket(), client.start(order)]);
  const say = (type, data = {}) => socket.say(type, { prompt_id: run.id, ...data });
  return { run, socket, say };
}

function queued(id, number) {
  comfy.pending.push(comfy.item(id, number));
}

test("a run is started, heard and shown, and its history has the last word", async () => {
  const { run, socket, say } = await started({ workflow: GRAPH, front: true });
  assert.equal(socket.address, "/ws?clientId=we");
  assert.deepEqual(socket.wanted.data, { supports_preview_metadata: true });
  const [[path, { prompt_id, ...body }]] = comfy.posted;
  assert.equal(path, "/prompt");
  assert.equal(prompt_id, run.id);
  assert.deepEqual(body, { front: true, client_id: "we", prompt: GRAPH });
  assert.equal(run.state.status, "queued");
  const shown = next(run, "preview");
  const stepped = next(run, "progress", ({ liveStatus }) => liveStatus === "Keep it 1/4");
  say("execution_start", { timestamp: 1795304453561 });
  say("execution_cached", { nodes: ["1"] });
  say("executing", { node: "2", display_node: "2" });
  say("progress", { node: "2", value: 1, max: 4 });
  socket.say("progress", { prompt_id: "another", node: "2", value: 4, max: 4 });
  socket.send(frame("another", "theirs"));
  socket.send(frame(run.id, "<script>", "text/html"));
  socket.send(Buffer.from([0, 0, 0, 4, 0, 0, 0, 2, 1, 2]));
  socket.send(frame(run.id, "ours"));
  assert.equal((await stepped).progress, 0.625);
  assert.equal(await (await fetch((await shown).url)).text(), "ours");
  comfy.end(run.id, "success", ["execution_start", { timestamp: 1795304453561 }], DONE);
  say(...DONE);
  const { responsePayload, ...state } = await run.done;
  assert.equal(state.status, "completed");
  assert.equal(state.progress, 1);
  assert.equal(state.durationSeconds, 6.439);
  const [output] = responsePayload.outputs;
  assert.equal(output.mediaUrl, `${comfy.url}/view?filename=a+b.png&subfolder=s&type=output`);
  assert.equal(output.kind, "image");
});

test("a run that ended while nobody listened is found in the history", async () => {
  const { run, socket, say } = await started();
  say("execution_start");
  await next(run, "progress");
  const lost = next(run, "connection", ({ connected }) => !connected);
  socket.cut();
  await lost;
  comfy.end(run.id);
  await clock.pass(500);
  await comfy.socket();
  assert.equal((await run.done).status, "completed");
});

test("a silent socket is asked behind, and renewed: never two at once", async () => {
  const { run, socket, say } = await started();
  say("execution_start");
  await next(run, "progress");
  for (let passed = 0; passed <= 40; passed += 10) await clock.pass(10_000);
  assert.ok(comfy.looks > 4);
  await clock.pass(500);
  const second = await comfy.socket();
  assert.notEqual(second, socket);
  assert.deepEqual([...comfy.open], [second]);
});

test("an end whose history comes late is looked for until it is there", async () => {
  const { run, say } = await started();
  say(...DONE);
  await clock.waits(250);
  comfy.end(run.id, "success", DONE);
  clock.advance(250);
  assert.equal((await run.done).responsePayload.outputs.length, 1);
});

test("an end that the history will never have is taken from the socket", async () => {
  const { run, say } = await started();
  say("executed", { node: "2", output: { text: ["seen"] } });
  say("execution_error", { exception_type: "ExecutionBlocked" });
  say("execution_error", { exception_type: "E", exception_message: "no\n", node_type: "Node" });
  for (const pause of [250, 500]) await clock.pass(pause);
  await clock.waits(1_000);
  comfy.running = [];
  clock.advance(1_000);
  const { status, responsePayload } = await run.done;
  assert.equal(status, "failed");
  assert.equal(responsePayload.error, "no (in Node)");
  assert.equal(responsePayload.outputs[0].text, "seen");
});

test("a run that waits is taken from the queue, and nothing is interrupted", async () => {
  queued("b", 7);
  queued("a", 3);
  const run = client.watch("b");
  const { queuePosition } = await next(run, "change", ({ status }) => status === "queued");
  assert.equal(queuePosition, 2);
  comfy.on["/queue"] = ({ delete: [id] }) => {
    comfy.pending = comfy.pending.filter((item) => item[1] !== id);
  };
  assert.equal((await run.cancel()).status, "cancelled");
  assert.equal((await run.done).endedBy, "engine");
  assert.deepEqual(comfy.posted, [["/queue", { delete: ["b"] }]]);
});

test("a run that runs is interrupted by its name, again where that went too early", async () => {
  const { run, say } = await started();
  await run.cancel();
  const interrupted = ["/interrupt", { prompt_id: run.id }];
  assert.deepEqual(comfy.posted.at(-1), interrupted);
  const again = new Promise((resolve) => (comfy.on["/interrupt"] = () => void resolve(null)));
  say("execution_start");
  await again;
  comfy.end(run.id, "error", ["execution_interrupted", { timestamp: 1795304460000 }]);
  say("executing", { node: null });
  assert.equal((await run.done).status, "cancelled");
});

test("a run that the server forgot is lost, and one that it never had is not found", async () => {
  const { run } = await started();
  comfy.running = [];
  await clock.pass(10_000);
  const state = await run.done;
  assert.deepEqual([state.status, state.statusReason], ["failed", "lost"]);
  await assert.rejects(client.watch("nobody").done, { code: "not_found" });
  await assert.rejects(client.read("nobody"), { code: "not_found" });
  await assert.rejects(client.cancel("nobody"), { code: "not_found" });
});

test("the socket is closed once nothing is watched, however soon a run has ended", async () => {
  comfy.on["/prompt"] = (body) => {
    const answer = comfy.take(body);
    const [socket] = comfy.open;
    comfy.end(body.prompt_id, "success", DONE);
    for (const [type, data] of [DONE, ["executing", { node: null }]]) {
      socket.say(type, Object.assign({ prompt_id: body.prompt_id }, data));
    }
    return new Promise((resolve) => setImmediate(() => setImmediate(() => resolve(answer))));
  };
  comfy.running.push(comfy.item("other", 1));
  const other = client.watch("other");
  const [socket] = await Promise.all([comfy.socket(), next(other, "change")]);
  const closed = next(socket, "close");
  const run = await client.start({ workflow: GRAPH });
  assert.equal((await run.done).status, "completed");
  other.close();
  await closed;
});

test("messages that are not as they should be are passed over", async () => {
  const { run, socket, say } = await started();
  socket.send("no JSON");
  socket.send("[1]");
  say("execution_cached");
  say("progress_state", { nodes: { 1: null } });
  say("unheard_of");
  say("executing", { node: "2" });
  assert.equal((await next(run, "progress", ({ liveStatus }) => liveStatus)).liveStatus, "Keep it");
});

test("a refused order says why", async () => {
  const error = { type: "prompt_no_outputs", message: "Prompt has no outputs", details: "" };
  comfy.on["/prompt"] = () => [400, { error, node_errors: {} }];
  const refused = client.start({ workflow: {} });
  await assert.rejects(refused, { code: "prompt_no_outputs", message: /no outputs/, status: 400 });
});

test("an order whose answer was lost is looked for, and never posted twice", async () => {
  comfy.on["/prompt"] = (body) => (comfy.take(body), CUT);
  const { run } = await started();
  assert.equal(run.state.status, "running");
  comfy.on["/prompt"] = () => CUT;
  await assert.rejects(client.start({ workflow: GRAPH }), { code: "unreachable" });
  assert.equal(comfy.posted.length, 2);
});

test("an older server names runs itself, and does not say whose its previews are", async () => {
  comfy.on["/prompt"] = (body) => comfy.take({ ...body, prompt_id: "theirs" });
  const { run, socket, say } = await started();
  assert.equal(run.id, "theirs");
  socket.say("feature_flags", {});
  say("execution_start");
  const shown = next(run, "preview");
  socket.send(namelessFrame("ours"));
  assert.equal(await (await fetch((await shown).url)).text(), "ours");
});

test("all runs of a server are watched, past ones too, and those that come", async () => {
  comfy.end("past", "success", DONE);
  queued("waits", 2);
  comfy.running.push(comfy.item("runs", 1));
  const runs = client.watchAll();
  const socket = await comfy.socket();
  await runs.ready;
  const statuses = () =>
    Object.fromEntries([...runs.states].map(([id, { status }]) => [id, status]));
  assert.deepEqual(statuses(), { runs: "running", waits: "queued", past: "completed" });
  comfy.end("runs", "error");
  comfy.running.push(comfy.pending.pop());
  const moved = next(runs, "change", ({ id, state }) => id === "runs" && state.status === "failed");
  socket.say("status", { status: { exec_info: { queue_remaining: 1 } } });
  await moved;
  assert.deepEqual(statuses(), { runs: "failed", waits: "running", past: "completed" });
  assert.throws(() => client.watchAll({ user: "u" }), TypeError);
  const late = client.watchAll();
  await late.ready;
  assert.equal(late.states.size, 3);
});

test("a server that is not there is tried again until it is", async () => {
  const { port } = new URL(comfy.url);
  comfy.close();
  const run = client.watch("a");
  const heard = all(run, ["connection", "error"]);
  await clock.waits(2_000);
  await clock.waits(500);
  comfy = await Comfy.open(Number(port));
  comfy.running.push(comfy.item("a", 1));
  const running = next(run, "change", ({ status }) => status === "running");
  const heardAgain = next(run, "connection", ({ connected }) => connected);
  clock.advance(2_000);
  await Promise.all([running, heardAgain]);
  assert.deepEqual(heard.at(-1), ["connection", { connected: true, error: null }]);
  assert.ok(heard.slice(0, -1).every(([, { error }]) => error.code === "unreachable"));
});

test("what is no ComfyUI, or lets nobody in, ends the watching with a word", async () => {
  comfy.refusal = 403;
  const run = client.watch("a");
  assert.equal((await next(run, "error")).code, "forbidden");
  await assert.rejects(run.done, { status: 403 });
});

test("without a WebSocket it says which option to give", () => {
  const own = Object.getOwnPropertyDescriptor(globalThis, "WebSocket");
  delete globalThis.WebSocket;
  try {
    assert.throws(() => connect({ comfyui: comfy.url }), /`WebSocket`/);
  } finally {
    if (own) Object.defineProperty(globalThis, "WebSocket", own);
  }
});
