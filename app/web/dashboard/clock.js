/** The time by the service's clock: this machine's may be set wrongly. */

let ahead = 0;
const TRUSTED = 3000;

/**
 * Learn how far this machine's clock is off, from an answer's `Date`.
 *
 * @param {string | null} date
 */
export function learn(date) {
  const said = date ? Date.parse(date) : NaN;
  if (Number.isNaN(said)) return;
  const off = said - Date.now();
  ahead = Math.abs(off) > TRUSTED ? off : 0;
}

/** @returns {number} Milliseconds, as `Date.now()`. */
export const now = () => Date.now() + ahead;
