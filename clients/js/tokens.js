import { ClientError } from "./errors.js";

/** The token that is shown to the server: asked for when there is none, and anew when it is over. */
export class Tokens {
  /** @param {string | (() => string | Promise<string>) | undefined} given */
  constructor(given) {
    this.#given = given;
  }

  #given;
  #asked = null;

  /** Whether the server is shown a token: otherwise the browser shows its cookie. */
  get any() {
    return this.#given !== undefined && this.#given !== null;
  }

  /**
   * Return the token, the same for all who ask, until it is dropped.
   *
   * @returns {Promise<string | null>} Rejects where the given function does: that may pass, unless
   *   it throws a `ClientError` that says otherwise.
   */
  async get() {
    if (typeof this.#given !== "function") return this.#given ?? null;
    this.#asked ??= this.#ask(this.#given);
    const asked = this.#asked;
    try {
      return await asked;
    } catch (error) {
      if (this.#asked === asked) this.#asked = null;
      throw error;
    }
  }

  async #ask(given) {
    try {
      return await given();
    } catch (error) {
      if (error instanceof ClientError) throw error;
      const more = { passing: true, cause: error };
      throw new ClientError("no_token", `no token could be had: ${error?.message}`, more);
    }
  }

  /**
   * Ask for another token the next time, unless that was done meanwhile.
   *
   * @param {string | null} used The one that was refused.
   * @returns {Promise<boolean>} Whether there can be another one.
   */
  async renew(used) {
    if (typeof this.#given !== "function") return false;
    if ((await this.#asked?.catch(() => null)) === used) this.#asked = null;
    return true;
  }
}
