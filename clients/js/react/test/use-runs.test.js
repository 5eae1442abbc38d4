import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClient, aState } from "./fake-client.js";
import { render } from "./page.js";
import { RunCard, useRun, useRuns } from "runrelay-client/react";
import { createElement as h } from "react";

/** @typedef {import("runrelay-client/react").RunsView} RunsView */
/** @typedef {import("runrelay-client/react").RunsQuery} RunsQuery */

/** @param {RunsQuery} [query] */
async function watching(query) {
  const fake = new FakeClient();
  /** @type {{view: RunsView | null}} */
  const last = { view: null };
  /** @param {{query?: RunsQuery}} props */
  function List({ query }) {
    last.view = useRuns(fake.client, query);
    return null;
  }
  const page = await render(h(List, { query }));
  const seen = () => /** @type {RunsView} */ (last.view);
  return { fake, page, seen, List, ids: () => seen().runs.map(({ id }) => id) };
}

test("runs are listed, the newest first, and go when they are gone", async () => {
  const { fake, ids } = await watching();
  await fake.newest.set(aState({ id: "01" }));
  await fake.newest.set(aState({ id: "03" }));
  await fake.newest.set(aState({ id: "02" }));
  assert.deepEqual(ids(), ["03", "02", "01"]);

  await fake.newest.drop("02");
  assert.deepEqual(ids(), ["03", "01"]);
});

test("jobs, the connection and the end of the beginning are told", async () => {
  const { fake, seen } = await watching();
  assert.deepEqual([seen().connected, seen().ready, seen().jobs], [false, false, []]);

  const all = fake.newest;
  await all.connect(true);
  await all.setJob({ id: "0j", version: 1, status: "active" });
  await all.ready();
  assert.deepEqual([seen().connected, seen().ready], [true, true]);
  assert.equal(seen().jobs[0]?.id, "0j");

  const error = new Error("the token has expired");
  await all.fail(error);
  assert.equal(seen().error, error);
});

test("previews are fetched where they are wanted, and go with their run", async () => {
  const { fake, seen } = await watching({ previews: true });
  await fake.newest.set(aState({ id: "01" }));
  await fake.newest.show({ id: "01", at: "" });
  assert.deepEqual([...seen().previews], [["01", "blob:01"]]);
  await fake.newest.drop("01");
  assert.equal(seen().previews.size, 0);

  const unwanted = await watching();
  await unwanted.fake.newest.show({ id: "01", at: "" });
  assert.equal(unwanted.seen().previews.size, 0);
});

test("an equal query watches on, another one begins anew, and nothing is left open", async () => {
  const { fake, page, seen, List, ids } = await watching({ user: "ada" });
  await fake.newest.set(aState({ id: "01" }));

  await page.again(h(List, { query: { user: "ada" } }));
  assert.deepEqual([fake.all.length, ids()], [1, ["01"]]);

  await page.again(h(List, { query: { status: "open" } }));
  assert.deepEqual(fake.all.at(-1)?.query, { user: undefined, job: undefined, status: "open" });
  assert.deepEqual([fake.open, seen().runs], [1, []]);

  await page.end();
  assert.equal(fake.open, 0);
});

test("without an id nothing is watched, and there is nothing to cancel", async () => {
  const fake = new FakeClient();
  /** @type {import("runrelay-client/react").RunView[]} */
  const seen = [];
  function One() {
    seen.push(useRun(fake.client, null));
    return null;
  }
  await render(h(One));

  await seen.at(-1)?.cancel();
  assert.deepEqual([fake.all, fake.cancelled, seen.at(-1)?.state], [[], [], null]);
});

test("of many cards only those of runs that have changed are rendered anew", async () => {
  const fake = new FakeClient();
  function List() {
    return useRuns(fake.client).runs.map((run) => h(RunCard, { key: run.id, state: run }));
  }
  const page = await render(h(List));
  let looks = 0;
  const still = Object.defineProperty(aState({ id: "01" }), "status", {
    get: () => (looks++, "queued"),
  });
  await fake.newest.set(still);
  await fake.newest.set(aState({ id: "02" }));
  const before = looks;

  await fake.newest.set(aState({ id: "02", version: 2, status: "running" }));
  assert.equal(page.one('[data-status="running"] .runrelay-standing').textContent, "Running");
  assert.equal(looks, before);
});
