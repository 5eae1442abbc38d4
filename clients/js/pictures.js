/** How many runs' pictures are kept; those that were asked for first go first. */
const KEPT = 500;

/**
 * Pictures as addresses that `<img src>` takes (`blob:`): an image asks without a token.
 *
 * Of each run the newest is kept and the one before, which may still be on its way to the screen.
 */
export class Pictures {
  /** @param {(id: string) => Promise<{mark: string | null, blob: Blob} | null>} ask */
  constructor(ask) {
    this.#ask = ask;
  }

  #ask;
  #kept = new Map();
  #asking = new Map();

  /**
   * Return the address of the newest preview; null where there is none.
   *
   * @param {string} id
   * @returns {Promise<string | null>}
   */
  get(id) {
    const asking = this.#asking.get(id) ?? this.#get(id).finally(() => this.#asking.delete(id));
    this.#asking.set(id, asking);
    return asking;
  }

  /** Forget all. */
  clear() {
    for (const id of [...this.#kept.keys()]) this.#drop(id);
  }

  async #get(id) {
    const found = await this.#ask(id);
    if (!found) return null;
    const known = this.#kept.get(id);
    if (known && found.mark !== null && known.mark === found.mark) return known.url;
    if (known?.before) URL.revokeObjectURL(known.before);
    const url = URL.createObjectURL(found.blob);
    this.#kept.set(id, { mark: found.mark, url, before: known?.url });
    if (this.#kept.size > KEPT) this.#drop(this.#kept.keys().next().value);
    return url;
  }

  #drop(id) {
    const { url, before } = this.#kept.get(id);
    this.#kept.delete(id);
    for (const each of [url, before]) if (each) URL.revokeObjectURL(each);
  }
}
