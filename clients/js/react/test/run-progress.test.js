import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClient, aState, anOutput } from "./fake-client.js";
import { press, render } from "./page.js";
import { RunError } from "runrelay-client";
import { RunProgress } from "runrelay-client/react";
import { StrictMode, createElement as h, version } from "react";
import { renderToString } from "react-dom/server";

/** @param {Partial<import("runrelay-client/react").RunProgressProps>} [props] */
async function watching(props) {
  const fake = new FakeClient();
  const page = await render(h(RunProgress, { client: fake.client, id: "01a2", ...props }));
  return { fake, page, run: fake.newest };
}

const RUNNING = { status: "running", liveStatus: "KSampler", progress: 0.4 };

test("the React that is asked for is the one that renders", () => {
  const wanted = process.execArgv.some((each) => each.includes("react-18")) ? "18." : "19.";
  assert.ok(version.startsWith(wanted), version);
});

test("a run is shown from its place in the queue to its picture", async () => {
  const { page, run } = await watching();
  assert.equal(page.one(".runrelay-standing").textContent, "Waiting");

  await run.change(aState({ queuePosition: 3 }));
  assert.equal(page.one(".runrelay-standing").textContent, "In the queue · place 3");
  assert.equal(page.one("progress").getAttribute("value"), null);

  await run.change(aState(RUNNING));
  await run.show({ id: "01a2", at: "", url: "blob:one" });
  assert.equal(page.one(".runrelay-standing").textContent, "Running · KSampler · 40\u00a0%");
  assert.equal(page.one("progress").getAttribute("value"), "40");
  assert.equal(
    page.one("progress").getAttribute("aria-valuetext"),
    "Running · KSampler · 40\u00a0%",
  );
  assert.equal(page.one("img").getAttribute("src"), "blob:one");
  assert.equal(page.one("img").getAttribute("alt"), "Preview: a lighthouse");

  const outputs = [anOutput({ mediaUrl: "https://runs.example/media/1.png" })];
  const responsePayload = { outputs, error: null };
  await run.change(aState({ status: "completed", durationSeconds: 2.71, responsePayload }));
  assert.equal(page.one(".runrelay-standing").textContent, "Done in 2.7 s");
  assert.equal(page.one("a img").getAttribute("src"), "https://runs.example/media/1.png");
  assert.ok(page.none("progress") && page.none("button") && page.none(".runrelay-preview"));
});

test("screen readers are told of each status and each quarter, and of nothing between", async () => {
  const { page, run } = await watching();
  const said = new Set();
  for (let percent = 0; percent <= 100; percent++) {
    await run.change(
      aState({ ...RUNNING, liveStatus: `step ${percent}`, progress: percent / 100 }),
    );
    said.add(page.one('[role="status"]').textContent);
  }
  await run.change(aState({ status: "completed" }));
  said.add(page.one('[role="status"]').textContent);

  const quarters = ["25\u00a0%", "50\u00a0%", "75\u00a0%", "100\u00a0%"].map(
    (each) => `Running · ${each}`,
  );
  assert.deepEqual([...said], ["Running", ...quarters, "Done"]);
});

test("everything has a name: the card, the bar and the button are told by the prompt", async () => {
  const { page, run } = await watching();
  await run.change(aState(RUNNING));

  const title = page.one(".runrelay-title");
  assert.equal(title.textContent, "a lighthouse");
  assert.equal(page.one("article").getAttribute("aria-labelledby"), title.id);
  assert.equal(page.one("progress").getAttribute("aria-labelledby"), title.id);
  assert.equal(page.one("button").getAttribute("aria-describedby"), title.id);
});

test("Cancel asks once, and says so until the run has ended", async () => {
  /** @type {string[]} */
  const ends = [];
  const { fake, page, run } = await watching({ onEnd: (state) => ends.push(state.status) });
  await run.change(aState(RUNNING));
  page.one("button").focus();

  await press(page.one("button"));
  await press(page.one("button"));
  assert.deepEqual(fake.cancelled, ["01a2"]);
  assert.equal(page.one("button").textContent, "Cancelling …");
  assert.equal(page.one("button").getAttribute("aria-disabled"), "true");
  assert.deepEqual(ends, []);

  const end = aState({ status: "cancelled", statusReason: "cancelled by ada" });
  await run.change(end);
  await run.fail(new RunError(end));
  await run.change({ ...end, version: 2 });
  assert.equal(page.one(".runrelay-standing").textContent, "Cancelled");
  assert.equal(page.one(".runrelay-detail").textContent, "cancelled by ada");
  assert.ok(page.none("button") && page.none('[role="alert"]'));
  assert.deepEqual(ends, ["cancelled"]);
  assert.equal(globalThis.document.activeElement, page.one("article"));
});

test("a cancellation that is refused can be tried again", async () => {
  const { fake, page, run } = await watching();
  await run.change(aState(RUNNING));
  fake.refusal = new Error("this token may only look");

  await press(page.one("button"));
  assert.equal(page.one('[role="alert"]').textContent, "this token may only look");

  fake.refusal = null;
  await press(page.one("button"));
  assert.ok(page.none('[role="alert"]'));
  assert.deepEqual(fake.cancelled, ["01a2"]);
});

test("without the right to cancel there is no button", async () => {
  const { page, run } = await watching({ cancellable: false });
  await run.change(aState(RUNNING));
  assert.ok(page.none("button"));
});

test("a lost connection is said, and forgotten when it is back", async () => {
  const { page, run } = await watching();
  await run.connect(true);
  await run.change(aState(RUNNING));
  assert.ok(page.none(".runrelay-detail"));

  await run.connect(false);
  assert.equal(page.one(".runrelay-detail").textContent, "Reconnecting …");

  await run.connect(true);
  assert.ok(page.none(".runrelay-detail"));
});

test("what people and engines wrote is text, and never runs", async () => {
  const { page, run } = await watching();
  const hostile = '<img src=x onerror="alert(1)">\u202e' + "w".repeat(10_000);
  const outputs = [
    anOutput({ id: "1", kind: "file", url: "javascript:alert(1)" }),
    anOutput({ id: "2", kind: "image", url: "data:text/html,<script>alert(1)</script>" }),
    anOutput({ id: "3", kind: "text", text: hostile }),
  ];
  await run.change(
    aState({
      status: "completed",
      requestPayload: { inputs: { prompt: hostile } },
      responsePayload: { outputs, error: null },
    }),
  );

  assert.equal(page.one(".runrelay-title").textContent, hostile);
  assert.equal(page.one(".runrelay-title").getAttribute("dir"), "auto");
  assert.equal(page.one(".runrelay-text").textContent, hostile);
  assert.ok(page.none("img") && page.none("a") && page.none("script"));
});

test("each kind of output is shown as what it is", async () => {
  const { page, run } = await watching();
  const outputs = ["image", "video", "audio", "file"].map((kind) =>
    anOutput({ id: kind, kind, mediaUrl: `/media/${kind}`, filename: `${kind}.bin` }),
  );
  await run.change(aState({ status: "completed", responsePayload: { outputs, error: null } }));

  assert.equal(page.one("a > img").getAttribute("src"), "/media/image");
  assert.equal(page.one("video").getAttribute("src"), "/media/video");
  assert.equal(page.one("audio").getAttribute("src"), "/media/audio");
  assert.equal(page.one(".runrelay-file").textContent, "file.bin");
});

test("a result that is being copied is waited for; one that is lost is not", async () => {
  const { page, run } = await watching();
  /** @param {object} output */
  const completed = (output) =>
    aState({ status: "completed", responsePayload: { outputs: [anOutput(output)], error: null } });

  await run.change(completed({}));
  assert.equal(page.one(".runrelay-detail").textContent, "Saving the result …");

  await run.change(completed({ notKept: "gone" }));
  assert.equal(page.one(".runrelay-detail").textContent, "The result is not to be had any more.");
});

test("another language says everything itself", async () => {
  const words = { statuses: { running: "Läuft" }, cancel: "Abbrechen" };
  const { page, run } = await watching({ words });
  await run.change(aState({ status: "running" }));

  assert.equal(page.one(".runrelay-standing").textContent, "Läuft");
  assert.equal(page.one("button").textContent, "Abbrechen");
});

test("another run begins anew, and what is taken away is watched no more", async () => {
  const { fake, page, run } = await watching();
  await run.change(aState(RUNNING));

  await page.again(h(RunProgress, { client: fake.client, id: "01b3" }));
  assert.equal(page.one(".runrelay-standing").textContent, "Waiting");
  await run.change(aState(RUNNING));
  assert.equal(page.one(".runrelay-standing").textContent, "Waiting");
  assert.deepEqual([fake.all.at(-1)?.id, fake.open], ["01b3", 1]);

  await page.end();
  assert.equal(fake.open, 0);
});

test("React's strict mode leaves one watch", async () => {
  const fake = new FakeClient();
  await render(h(StrictMode, null, h(RunProgress, { client: fake.client, id: "01a2" })));
  assert.equal(fake.open, 1);
});

test("a server renders it as waiting, and watches nothing", () => {
  const fake = new FakeClient();
  const html = renderToString(h(RunProgress, { client: fake.client, id: "01a2" }));
  assert.match(html, /<article class="runrelay".*Waiting/);
  assert.equal(fake.open, 0);
});
