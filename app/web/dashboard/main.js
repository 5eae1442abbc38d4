/**
 * The dashboard: sign in, then show what runs until somebody signs out or the session ends.
 */

import { connect } from "./comfyui-client.js";
import { BASE, Problem, call, session } from "./api.js";
import { Board } from "./board.js";
import { byId, say, show } from "./dom.js";
import { Expected } from "./expected.js";
import { Gallery } from "./gallery.js";
import { OrderForm } from "./order.js";
import { Plots } from "./plots.js";
import { theme, themed } from "./theme.js";
import { Viewer } from "./viewer.js";

/** Milliseconds before the service is asked again for what it did not tell. */
const AGAIN = 3_000;

/** @type {(() => void) | null} What ends what is shown. */
let leave = null;
const viewer = new Viewer();
/** The same page in other tabs: they have the same session. */
const tabs = new BroadcastChannel(`runrelay ${BASE}`);

/** Show who may see it what runs. */
function enter(/** @type {{scope: string}} */ { scope }) {
  view("board");
  const client = connect({ server: BASE });
  const expected = new Expected();
  const gallery = new Gallery((id) => viewer.open(id));
  viewer.gallery = gallery;
  const plots = new Plots((stats) => expected.add(stats.presets), theme);
  const board = new Board(client, gallery, expected, scope !== "read", () => plots.soon());
  board.runs.addEventListener("error", (/** @type {any} */ event) => {
    const { status, code, message } = event.detail;
    if (status === 401 || code === "signed_out" || code === "expired")
      out("Your session has ended.");
    else say(byId("connection"), `not live: ${message}`);
  });
  themed(() => plots.draw());
  plots.refresh();
  // Who may only look has nothing to fill in.
  if (scope !== "read") offer();
  leave = () => {
    board.close();
    plots.close();
    client.close();
    viewer.gallery = null;
    viewer.close();
    for (const each of ["results", "order-form", "said", "active-count"])
      byId(each).replaceChildren();
    show(byId("order"), false);
  };
}

/** Show the form; while the service does not tell what it is made of, ask again. */
function offer() {
  const again = () => leave && setTimeout(offer, AGAIN);
  new OrderForm().load().catch(again);
}

/** Show what signs in, and nothing of what was there. */
function out(/** @type {string} */ why) {
  leave?.();
  leave = null;
  delete document.documentElement.dataset.connection;
  show(byId("connection"), false);
  view("sign-in");
  say(byId("sign-in-said"), why);
  byId("key").focus();
}

function view(/** @type {"sign-in" | "board"} */ name) {
  document.documentElement.dataset.view = name;
  show(byId("sign-in"), name === "sign-in");
  show(byId("board"), name === "board");
  show(byId("sign-out"), name === "board");
}

async function signIn() {
  const key = byId("key");
  say(byId("sign-in-said"), "");
  try {
    const who = await call("POST", "session", { key: key.value });
    key.value = "";
    if (leave === null) enter(who);
    byId("active-heading").focus();
  } catch (error) {
    const wrong = error instanceof Problem && error.status === 401;
    say(
      byId("sign-in-said"),
      wrong ? "That is no key of this service." : /** @type {Error} */ (error).message,
    );
    key.select();
  }
}

byId("sign-in-form").onsubmit = (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  signIn();
};
byId("sign-out").onclick = async () => {
  try {
    await call("DELETE", "session");
  } catch (error) {
    // Nobody may think that they are signed out where they are not.
    if (!(error instanceof Problem) || error.status !== 401)
      return say(byId("connection"), /** @type {Error} */ (error).message);
  }
  tabs.postMessage("out");
  out("");
};
tabs.onmessage = () => leave && out("Your session has ended.");
session.ended = () => out("Your session has ended.");
themed(() => {});

/** Show what runs to whoever has a session; while the service is away, ask it again. */
async function begin() {
  try {
    const who = await call("GET", "session");
    if (leave === null) enter(who);
  } catch (error) {
    const { status, message } = /** @type {Problem} */ (error);
    if (leave === null && status === 401) out("");
    else if (leave === null) {
      if (document.documentElement.dataset.view !== "sign-in") out(message);
      setTimeout(begin, AGAIN);
    }
  }
}

begin();
