/** A page to render on, made of happy-dom. */

import { Window } from "happy-dom";

const window = new Window({ url: "https://shop.example/" });
const { document, HTMLElement, HTMLIFrameElement, Node } = window;
Object.assign(globalThis, { window, document, HTMLElement, HTMLIFrameElement, Node });
Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

// Node has a navigator of its own since 21.
globalThis.navigator ??= /** @type {any} */ (window.navigator);

// React looks for the page when it is loaded.
const { act } = await import("react");
const { createRoot } = await import("react-dom/client");

export { act };

/**
 * Render something, and return the page's part that shows it.
 *
 * @param {import("react").ReactNode} element
 */
export async function render(element) {
  const container = globalThis.document.createElement("div");
  globalThis.document.body.append(container);
  const root = createRoot(container);
  await act(async () => root.render(element));
  return {
    container,
    /** @param {string} selector */
    one: (selector) => {
      const found = container.querySelector(selector);
      if (!(found instanceof HTMLElement))
        throw new Error(`no ${selector} in ${container.innerHTML}`);
      return /** @type {globalThis.HTMLElement} */ (/** @type {unknown} */ (found));
    },
    /** @param {string} selector */
    none: (selector) => container.querySelector(selector) === null,
    /** @param {import("react").ReactNode} another */
    again: (another) => act(async () => root.render(another)),
    end: () => act(async () => root.unmount()),
  };
}

/** @param {globalThis.HTMLElement} element */
export function press(element) {
  return act(async () => element.click());
}
