/** Longest that anything is waited for, in milliseconds. */
const PATIENCE = 10_000;

/** Wait for something that is to come, and say what it is if it does not. */
export function bounded(coming, words) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not come: ${words}`)), PATIENCE);
  });
  return Promise.race([coming, late]).finally(() => clearTimeout(timer));
}

/**
 * Resolves with the detail of the next event of a kind, or of the next that fits.
 *
 * @param {any} target
 * @param {string} kind
 * @param {(detail: any) => boolean} [fits]
 * @returns {Promise<any>}
 */
export function next(target, kind, fits = () => true) {
  const coming = new Promise((resolve) => {
    target.addEventListener(kind, function heard({ detail }) {
      if (!fits(detail)) return;
      target.removeEventListener(kind, heard);
      resolve(detail);
    });
  });
  return bounded(coming, `the event ${kind}`);
}

/**
 * Collect the details of all events of some kinds, as `[kind, detail]`.
 *
 * @param {any} target
 * @param {string[]} kinds
 */
export function all(target, kinds) {
  const heard = [];
  for (const kind of kinds) {
    target.addEventListener(kind, ({ detail }) => heard.push([kind, detail]));
  }
  return heard;
}
