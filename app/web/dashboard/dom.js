/**
 * Elements. What is put in is text, never markup: a prompt cannot become script.
 */

/**
 * Find an element of the shell.
 *
 * @param {string} id
 * @returns {any} It is there: the shell is ours.
 */
export const byId = (id) => document.getElementById(id);

/**
 * Make an element.
 *
 * @param {string} name
 * @param {Record<string, unknown>} [given] Attributes; those that are null or false are left out,
 *   and functions are listeners (`onclick`).
 * @param {...(Node | string | null)} children Strings become text.
 * @returns {any}
 */
export function make(name, given = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (typeof value === "function")
      element.addEventListener(key.slice(2), /** @type {EventListener} */ (value));
    else if (value === true) element.setAttribute(key, "");
    else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(key, String(value));
    }
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/**
 * Set what an element says, unless it says so already: what stays is neither drawn nor read again.
 *
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Set an attribute, or take it away by null, unless it is so already.
 *
 * @param {Element} element
 * @param {string} name
 * @param {string | null} value
 */
export function mark(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * Show or hide an element.
 *
 * @param {HTMLElement} element
 * @param {boolean} shown
 */
export function show(element, shown) {
  if (element.hidden === shown) element.hidden = !shown;
}
