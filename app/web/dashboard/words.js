/**
 * How things are said: times, money, and the words of strangers.
 */

const CLAMPED = 280;
const WHOLE = 10_000;

/** Characters that move others about or are not seen (Unicode UAX 9, 2), and control characters. */
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** What each status is called. */
export const STATUS = {
  waiting: "Waits its turn",
  pending: "Waiting",
  submitting: "Being sent",
  queued: "Queued",
  started: "Starting",
  running: "Running",
  uploading: "Uploading",
  completed: "Completed",
  failed: "Failed",
  cancelled: "Cancelled",
  timeout: "Took too long",
  active: "Running",
  refused: "Refused",
};

/**
 * Shorten a text to what a card has room for.
 *
 * @param {string} text
 * @param {number} [most] Characters as people count them, nearly.
 */
export function clamped(text, most = CLAMPED) {
  // Cut before it is taken apart: it may be very long, and a character has two units at most.
  const start = text.slice(0, most * 2 + 2);
  const characters = [...start];
  if (start.length === text.length && characters.length <= most) return text;
  return `${characters.slice(0, most).join("").trimEnd()}…`;
}

/**
 * Return a text as long as anybody wants to read it.
 *
 * @param {string} text
 */
export const whole = (text) => clamped(text, WHOLE);

/**
 * Return a stranger's text for an attribute, where nothing keeps its direction to itself.
 *
 * @param {string} text
 */
export const tame = (text) => clamped(text.replace(UNSEEN, "").replace(/\s+/g, " ").trim(), 80);

/**
 * Return what a generation is called: what its person wrote, or its preset, or what it runs.
 *
 * @param {any} state
 * @returns {string}
 */
export function titleOf(state) {
  const asked = state.requestPayload ?? {};
  const inputs = asked.inputs ?? {};
  const named = asked.promptInput ? inputs[asked.promptInput] : undefined;
  const placed = Object.keys(inputs).filter((each) => /\/(text|prompt)$/.test(each));
  const written = [named, inputs.prompt, inputs.text, ...placed.map((each) => inputs[each])].find(
    (each) => typeof each === "string" && each.trim(),
  );
  return written ?? state.metadata?.preset ?? asked.model ?? state.engine ?? "Run";
}

/**
 * Say how long something took or takes.
 *
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  const all = Math.round(seconds);
  if (all < 60) return `${all} s`;
  const [hours, minutes] = [Math.floor(all / 3600), Math.floor((all % 3600) / 60)];
  return hours ? `${hours} h ${minutes} min` : `${minutes} min ${all % 60} s`;
}

/**
 * Say how many whole seconds have gone by.
 *
 * @param {number} seconds
 */
export const passing = (seconds) => (seconds < 60 ? `${Math.floor(seconds)} s` : duration(seconds));

/**
 * Say how long something may take: nothing takes no time.
 *
 * @param {number} seconds
 */
export const about = (seconds) => `about ${passing(Math.max(1, Math.ceil(seconds)))}`;

/**
 * Say an amount of money.
 *
 * @param {string | number} usd
 */
export function dollars(usd) {
  const value = Number(usd);
  const digits = value === 0 || value >= 1 ? 2 : value >= 0.01 ? 4 : 6;
  return `$${value.toFixed(digits)}`;
}

/**
 * Return seconds between two times; null where one is unknown.
 *
 * @param {string | null | undefined} from
 * @param {number} until Milliseconds, as `Date.now()`.
 */
export const since = (from, until) =>
  from ? Math.max(0, (until - Date.parse(from)) / 1000) : null;

/**
 * Say how many there are of something.
 *
 * @param {number} number
 * @param {string} one
 * @param {string} [many]
 */
export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

/**
 * Say when something was.
 *
 * @param {string} time
 */
export function clock(time) {
  const at = new Date(time);
  const day =
    at.toDateString() === new Date().toDateString() ? {} : { day: "numeric", month: "short" };
  return at.toLocaleString("en-GB", {
    .../** @type {object} */ (day),
    hour: "2-digit",
    minute: "2-digit",
  });
}
