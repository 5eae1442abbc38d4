/**
 * How much of a graph is done, and what it is at, by what ComfyUI's socket says.
 *
 * The share of a run is that of its nodes, and a node that runs counts by its own account. How
 * many nodes a subgraph will have nobody knows while it runs: its parent's share draws nearer to
 * 1 with each of them, and is 1 only when the parent itself is done.
 */

/** The share of a run whose nodes are all done, and whose end has not come. */
const ALMOST = 0.99;

export class Work {
  /**
   * @type {Record<string, {class_type?: string, inputs?: any, _meta?: {title?: string}}>} The
   *   nodes by id.
   */
  graph = {};
  #shares = new Map();
  // By the node of the graph: how far each node of its subgraph is.
  #parts = new Map();
  // In the order they began: the node of the graph, and its own steps.
  #running = new Map();

  /** Share of the run that is done; below 1 however much of it is, and never less than before. */
  get share() {
    const nodes = Object.keys(this.graph);
    const done = nodes.reduce((sum, node) => sum + (this.#shares.get(node) ?? 0), 0);
    return nodes.length ? Math.min(ALMOST, Math.round((done / nodes.length) * 1e4) / 1e4) : 0;
  }

  /** What runs now: the title of the node that began last, and its steps; null for nothing. */
  get words() {
    const last = [...this.#running.values()].pop();
    if (!last) return null;
    const node = this.graph[last.root];
    const title = String(node?._meta?.title || node?.class_type || last.root).slice(0, 200);
    const { value, max } = last;
    return max > 1 ? `${title} ${Math.round(Math.min(value, max))}/${Math.round(max)}` : title;
  }

  cached(nodes) {
    for (const node of nodes) this.#reach(node, node, 1);
  }

  begun(node, root) {
    if (!this.#running.has(node)) this.#running.set(node, { root, value: 0, max: 1 });
  }

  stepped(node, value, max) {
    const known = this.#running.get(node);
    if (known) this.#put(node, known.root, value, max);
  }

  /** Take the states of all nodes that have begun. */
  seen(nodes) {
    for (const [node, { value, max, state, display_node_id: root = node }] of Object.entries(
      nodes,
    )) {
      if (state === "finished") {
        this.#running.delete(node);
        this.#reach(node, root, 1);
      } else if (state === "running") {
        this.#put(node, root, value, max);
      }
    }
  }

  #put(node, root, value, max) {
    this.#running.set(node, { root, value, max });
    if (max > 0) this.#reach(node, root, Math.max(0, Math.min(value / max, 1)));
  }

  #reach(node, root, share) {
    let reached = share;
    if (node !== root) {
      const parts = this.#parts.get(root) ?? new Map();
      this.#parts.set(root, parts.set(node, share));
      const together = [...parts.values()].reduce((sum, each) => sum + each, 0);
      reached = together / (1 + together);
    }
    this.#shares.set(root, Math.max(reached, this.#shares.get(root) ?? 0));
  }
}
