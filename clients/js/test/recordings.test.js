import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { Prompt } from "../prompt.js";

const FOLDER = new URL("../../../tests/samples/comfyui/", import.meta.url);
const ENDS = ["execution_success", "execution_error", "execution_interrupted"];

/** Every recorded run that its owner heard from its start to its end, with its history. */
function* recorded() {
  const names = readdirSync(FOLDER);
  for (const name of names.filter((each) => /^s(03|05|06|07|13).*\.client\.jsonl$/.test(each))) {
    const scenario = name.split(".")[0];
    const entries = histories(scenario);
    const lines = readFileSync(new URL(name, FOLDER), "utf8").trim().split("\n");
    const said = lines.map((line) => JSON.parse(line)).filter(({ kind }) => kind === "text");
    for (const [id, entry] of entries) {
      const own = said.map(({ data }) => data).filter((message) => message?.data?.prompt_id === id);
      if (own.some(({ type }) => ENDS.includes(type))) yield { scenario, id, entry, own };
    }
  }
}

function histories(scenario) {
  const exchanges = JSON.parse(readFileSync(new URL(`${scenario}.http.json`, FOLDER), "utf8"));
  const told = exchanges.filter(({ path }) => path?.startsWith("/history/"));
  return new Map(told.flatMap(({ response_json: json }) => Object.entries(json ?? {})));
}

const RUNS = [...recorded()];

test("there are recorded runs of each end, cached and blocked ones among them", () => {
  assert.deepEqual(new Set(RUNS.map(({ entry }) => entry.status.status_str)).size, 2);
  assert.ok(RUNS.length >= 8, `${RUNS.length}`);
});

for (const { scenario, id, entry, own } of RUNS) {
  test(`${scenario} ${id}: what the socket said and what the history has agree`, () => {
    const heard = new Prompt(id, "http://comfy", 0);
    heard.posted(entry.prompt[2], 0);
    let before = heard.state;
    for (const { type, data } of own) {
      heard.heard(type, data, 1_000);
      assert.ok(heard.state.progress >= before.progress && heard.state.progress < 1);
      assert.ok(heard.state.version >= before.version);
      before = heard.state;
    }
    assert.equal(before.status, "running");
    const read = new Prompt(id, "http://comfy", 0);
    read.reported(entry, 2_000);
    heard.concluded(2_000);
    assert.equal(heard.state.status, read.state.status);
    assert.equal(heard.state.progress === 1, read.state.status === "completed");
    assert.equal(heard.state.responsePayload.error, read.state.responsePayload.error);
    const ids = ({ state }) => state.responsePayload.outputs.map((output) => output.id).sort();
    assert.deepEqual(ids(heard), ids(read));
    const { startedAt, responseTimestamp } = read.state;
    assert.ok(startedAt <= responseTimestamp);
    heard.heard("execution_start", {}, 3_000);
    assert.equal(heard.state.status, read.state.status);
  });
}

test("steps are told in words, and as a share of the graph", () => {
  const { id, entry, own } = RUNS.find(({ scenario }) => scenario === "s03_ws_normal");
  const prompt = new Prompt(id, "http://comfy", 0);
  prompt.posted(entry.prompt[2], 0);
  const words = new Set();
  for (const { type, data } of own) {
    prompt.heard(type, data, 1_000);
    words.add(prompt.state.liveStatus);
  }
  assert.ok(
    [...words].some((each) => / 2\/4$/.test(each)),
    [...words].join(),
  );
  assert.equal(prompt.state.progress, 0.99);
});
