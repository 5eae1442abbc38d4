/** How long runs usually take: by what the service has added up, else by what was seen here. */

const KEPT = 20;

/** What runs are compared by. */
const kindOf = (/** @type {any} */ state) => {
  const asked = state.requestPayload ?? {};
  return (
    state.metadata?.preset ??
    [state.engine, asked.deployment_id, asked.model, asked.version, asked.workflow].join(" ")
  );
};

export class Expected {
  #presets = new Map();
  /** @type {Map<string, number[]>} */
  #seen = new Map();

  /**
   * Take what the service has added up.
   *
   * @param {{name: string, p50Seconds: number | null}[]} presets
   */
  add(presets) {
    this.#presets = new Map(presets.map((each) => [each.name, each.p50Seconds]));
  }

  /**
   * See how long a run has taken.
   *
   * @param {any} state One that has ended.
   */
  see(state) {
    if (state.status !== "completed" || state.durationSeconds === null) return;
    const kind = kindOf(state);
    this.#seen.set(kind, [...(this.#seen.get(kind) ?? []), state.durationSeconds].slice(-KEPT));
  }

  /**
   * Return how many seconds a run will probably take; null where nobody knows.
   *
   * @param {any} state
   * @returns {number | null}
   */
  of(state) {
    const known = this.#presets.get(state.metadata?.preset);
    if (typeof known === "number") return known;
    const seen = [...(this.#seen.get(kindOf(state)) ?? [])].sort((one, other) => one - other);
    return seen.length ? seen[Math.floor(seen.length / 2)] : null;
  }
}
