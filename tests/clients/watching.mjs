/**
 * Watches as it is told, line by line of JSON on stdin, and says on stdout what it hears of.
 *
 *     node watching.mjs '{"server": "http://127.0.0.1:8000", "token": "..."}'
 *     node watching.mjs '{"server": "http://127.0.0.1:8000", "key": "...", "view": {"all": true}}'
 *     {"act": "watch", "id": "..."}
 */

import { createInterface } from "node:readline";
import { connect } from "../../clients/js/comfyui-client.js";

const { key, view, ...way } = JSON.parse(process.argv[2]);
const client = connect(key ? { ...way, token } : way);
const runs = new Map();

function say(what) {
  console.log(JSON.stringify(what));
}

/** Have a view token made, as a page's own server does. */
async function token() {
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(view) };
  const answer = await fetch(`${way.server}/api/tokens`, init);
  say({ kind: "token", status: answer.status });
  return (await answer.json()).token;
}

function heard(kind, { id, version, status, progress, responsePayload }) {
  const outputs = responsePayload.outputs.map(({ mediaUrl }) => mediaUrl);
  say({ kind, id, version, status, progress, outputs });
}

/** What is said of a run that is watched. */
const options = (id) => ({
  onChange: (state) => heard("change", state),
  onProgress: (state) => heard("progress", state),
  onComplete: (state) => heard("complete", state),
  onPreview: async ({ url }) => say({ kind: "preview", id, bytes: await bytes(url) }),
  onError: ({ name, code, message }) => say({ kind: "error", id, name, code, message }),
  onConnection: ({ connected }) => say({ kind: "connection", id, connected }),
});

async function bytes(url) {
  return (await (await fetch(url)).arrayBuffer()).byteLength;
}

const ACTS = {
  async start({ order }) {
    const run = await client.start(order, options("started"));
    runs.set(run.id, run);
    say({ kind: "started", id: run.id });
  },
  watch({ id }) {
    runs.set(id, client.watch(id, options(id)));
  },
  watchAll({ query = {} }) {
    const all = client.watchAll({
      ...query,
      onChange: ({ id, state }) => (state ? heard("change", state) : say({ kind: "gone", id })),
      onConnection: ({ connected }) => say({ kind: "connection", connected }),
    });
    all.ready.then(() => say({ kind: "ready", ids: [...all.states.keys()] }));
  },
  async cancel({ id }) {
    heard("cancelling", await runs.get(id).cancel());
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { act, ...given } = JSON.parse(line);
  await ACTS[act](given);
}
client.close();
