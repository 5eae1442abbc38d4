/** What can go wrong, in two kinds: with asking, and with a run. */

/** The server, or the way to it, does not do what it was asked. */
export class ClientError extends Error {
  /**
   * @param {string} code What it is, as a word for programs: the server's own where it gave one.
   * @param {string} message
   * @param {{status?: number | null, passing?: boolean, after?: number | null, cause?: unknown}} more
   *   `status`: of HTTP; `passing`: whether another try may do; `after`: seconds to wait before.
   */
  constructor(code, message, { status = null, passing = false, after = null, cause } = {}) {
    super(message, { cause });
    this.name = "ClientError";
    this.code = code;
    this.status = status;
    this.passing = passing;
    this.after = after;
  }
}

/** A run has ended without having completed. */
export class RunError extends Error {
  /** @param {import("./comfyui-client.js").State} state How it ended. */
  constructor(state) {
    super(state.responsePayload?.error ?? state.statusReason ?? state.status);
    this.name = "RunError";
    this.code = state.status;
    this.state = state;
  }
}

/**
 * Return what is in the way, whatever was thrown: what is not an answer's may pass.
 *
 * @param {any} error
 * @returns {ClientError}
 */
export function troubled(error) {
  if (error instanceof ClientError) return error;
  const more = { passing: true, cause: error };
  return new ClientError("unreachable", `the server is not reached: ${error?.message}`, more);
}

/**
 * Return what an HTTP answer that is no success says.
 *
 * @param {Response} answer
 * @returns {Promise<ClientError>}
 */
export async function refusal(answer) {
  const { status } = answer;
  const told = await answer.json().catch(() => null);
  // A problem of Runrelay's (RFC 9457), or an error of ComfyUI's.
  const error = told?.error?.message ? told.error : told;
  const code = error?.reason ?? told?.error?.type ?? CODES[status] ?? "refused";
  const words = error?.detail || error?.message || error?.title || `the server says ${status}`;
  return new ClientError(code, words, {
    status,
    passing: status === 408 || status === 425 || status === 429 || status >= 500,
    after: Number(answer.headers.get("Retry-After")) || null,
  });
}

const CODES = { 401: "unauthorized", 403: "forbidden", 404: "not_found" };
