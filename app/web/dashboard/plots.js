/**
 * Plots of the last hours, drawn by the service, each with its numbers as a table beside it.
 */

import { BASE, call } from "./api.js";
import { byId, make } from "./dom.js";
import { clamped, duration } from "./words.js";

const EVERY = 60_000;
/** The service adds up anew after ten seconds. */
const SOON = 11_000;

/** @typedef {(stats: any) => {head: string[], rows: (string | number)[][]}} Table */

const hourly =
  (/** @type {string[]} */ head, /** @type {(item: any) => (string | number)[]} */ row) =>
  (/** @type {any} */ stats) => ({
    head: ["Hour (UTC)", ...head],
    rows: [...stats.items]
      .reverse()
      .map((/** @type {any} */ item) => [hour(item.start), ...row(item)]),
  });

const seconds = (/** @type {number | null} */ value) => (value === null ? "–" : duration(value));
const percentiles = (/** @type {string} */ name) =>
  hourly(["Runs", "Half within", "95 % within"], (item) => [
    item[name].number,
    seconds(item[name].p50Seconds),
    seconds(item[name].p95Seconds),
  ]);

const spend =
  (/** @type {string} */ by, /** @type {string} */ name) => (/** @type {any} */ stats) => ({
    head: [name, "Runs", "USD", "Cost unknown"],
    rows: stats.total.spend[by].map((/** @type {any} */ row) => [
      row.name ?? "none",
      row.runs,
      row.usd,
      row.unknown,
    ]),
  });

const time =
  (/** @type {string} */ by, /** @type {string} */ name) => (/** @type {any} */ stats) => ({
    head: [name, "Times", "Took"],
    rows: stats.total.nodes[by].map((/** @type {any} */ row) => [
      row.name ?? "none",
      row.number,
      duration(row.milliseconds / 1000),
    ]),
  });

/** @type {[string, string, Table][]} */
const PLOTS = [
  [
    "outcomes",
    "Runs by outcome",
    hourly(["Completed", "Failed", "Cancelled", "Took too long"], ({ runs }) => [
      runs.completed,
      runs.failed,
      runs.cancelled,
      runs.timeout,
    ]),
  ],
  ["durations", "How long runs took", percentiles("duration")],
  ["waiting", "How long they waited", percentiles("waiting")],
  ["spend-by-preset", "Spend by preset", spend("byPreset", "Preset")],
  ["spend-by-engine", "Spend by engine", spend("byEngine", "Engine")],
  ["time-by-class", "Time by node class", time("byClass", "Node class")],
  ["time-by-model", "Time by model", time("byModel", "Model")],
];

export class Plots {
  #place = byId("plots");
  #hours = byId("hours");
  /** @type {any} */
  #stats = null;
  /** @type {number | null} */
  #soon = null;
  #figures = PLOTS.map(([name, title, table]) => figure(name, title, table));

  /**
   * @param {(stats: any) => void} told Is given the numbers whenever they are new.
   * @param {() => "dark" | "light"} theme
   */
  constructor(told, theme) {
    this.told = told;
    this.theme = theme;
    this.#place.replaceChildren(...this.#figures.map((each) => each.element));
    this.#hours.onchange = () => this.refresh();
    this.timer = setInterval(() => document.hidden || this.refresh(), EVERY);
    this.woken = () => document.hidden || this.refresh();
    document.addEventListener("visibilitychange", this.woken);
  }

  /** Fetch the numbers and show them; without them what is shown stays. */
  async refresh() {
    const stats = await call("GET", `stats?hours=${this.#hours.value}`).catch(() => null);
    if (stats === null) return;
    this.#stats = stats;
    this.told(stats);
    this.draw();
  }

  /** Fetch them again soon: a run has ended. Many that end together are one reason. */
  soon() {
    this.#soon ??= setTimeout(() => {
      this.#soon = null;
      if (!document.hidden) this.refresh();
    }, SOON);
  }

  /** Show what there is, in the colours of now. */
  draw() {
    if (this.#stats === null) return;
    for (const each of this.#figures) each.show(this.#stats, this.theme());
  }

  /** Fetch nothing any more. */
  close() {
    clearInterval(this.timer);
    clearTimeout(this.#soon ?? undefined);
    document.removeEventListener("visibilitychange", this.woken);
    this.#place.replaceChildren();
  }
}

/** Make a plot's place. */
function figure(
  /** @type {string} */ name,
  /** @type {string} */ title,
  /** @type {Table} */ table,
) {
  const id = `plot-${name}`;
  const image = make("img", { alt: "", loading: "lazy", width: 480, height: 300 });
  const numbers = make("table", {});
  const wide = make(
    "div",
    { class: "wide", tabindex: 0, role: "region", "aria-label": `${title}: numbers` },
    numbers,
  );
  const element = make(
    "figure",
    { class: "panel", "aria-labelledby": id },
    make("figcaption", { id }, title),
    image,
    make("details", {}, make("summary", {}, "Numbers"), wide),
  );
  return {
    element,
    show: (/** @type {any} */ stats, /** @type {string} */ theme) => {
      const { head, rows } = table(stats);
      const source = `${BASE}/api/plots/${name}.svg?hours=${stats.hours}&theme=${theme}&at=${encodeURIComponent(stats.at)}`;
      if (image.getAttribute("src") !== source) image.src = source;
      image.alt = rows.length
        ? `${title}; the numbers follow as a table.`
        : `${title}: nothing yet.`;
      numbers.replaceChildren(
        make(
          "thead",
          {},
          make("tr", {}, ...head.map((each) => make("th", { scope: "col" }, each))),
        ),
        make("tbody", {}, ...rows.map(row)),
      );
    },
  };
}

function row(/** @type {(string | number)[]} */ [name, ...values]) {
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, make("bdi", {}, clamped(String(name), 80))),
    ...values.map((each) => make("td", {}, String(each))),
  );
}

const hour = (/** @type {string} */ start) =>
  new Date(start).toLocaleString("en-GB", {
    // As the plots beside them.
    timeZone: "UTC",
    weekday: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  });
