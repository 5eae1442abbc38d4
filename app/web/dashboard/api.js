/**
 * Calls of the service: all relative to the page, so that they work behind any prefix, and by the
 * session's cookie.
 */

import { learn } from "./clock.js";

/** Where the service is: the folder that the page is in. */
export const BASE = new URL(".", document.baseURI).href.replace(/\/$/, "");

/** What the service says is wrong with a call. */
export class Problem extends Error {
  /**
   * @param {number} status Of HTTP; 0: it was not reached.
   * @param {any} body The problem's details (RFC 9457), or nothing.
   */
  constructor(status, body) {
    super(
      body?.detail ??
        body?.title ??
        (status ? `The service answered ${status}.` : "The service is not reached."),
    );
    this.status = status;
    this.reason = body?.reason ?? "";
    this.field = body?.field ?? null;
  }
}

/** Called once when the service no longer knows who we are. */
export const session = { ended: (/** @type {Problem} */ _problem) => {} };

/**
 * Call the service.
 *
 * @param {string} method
 * @param {string} path Under `api/`.
 * @param {object | Blob} [body] JSON, or a file as it is.
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>} What it answers; null where that is nothing.
 * @throws {Problem}
 */
export async function call(method, path, body, headers = {}) {
  const file = body instanceof Blob;
  /** @type {Response} */
  let answer;
  try {
    answer = await fetch(`${BASE}/api/${path}`, {
      method,
      headers: body && !file ? { "Content-Type": "application/json", ...headers } : headers,
      body: file ? body : body && JSON.stringify(body),
      credentials: "same-origin",
    });
  } catch {
    throw new Problem(0, null);
  }
  learn(answer.headers.get("date"));
  const said = await answer.json().catch(() => null);
  if (answer.ok) return said;
  const problem = new Problem(answer.status, said);
  if (answer.status === 401 && path !== "session") session.ended(problem);
  throw problem;
}

/**
 * Return where we serve a file, by the link to it that a record has.
 *
 * The link names the address that the service has for the world; the page may have been opened at
 * another, and shows nothing from elsewhere.
 *
 * @param {string | null | undefined} link
 * @returns {string | null}
 */
export function here(link) {
  const at = link ? link.indexOf("/media/") : -1;
  return at < 0 ? null : `${BASE}${/** @type {string} */ (link).slice(at)}`;
}
