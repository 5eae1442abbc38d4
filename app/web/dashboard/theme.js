/** Dark or light: as the system says, unless somebody has chosen. */

import { byId, mark, say } from "./dom.js";

const KEY = "runrelay-theme";
const NEXT = { system: "dark", dark: "light", light: "system" };
const system = matchMedia("(prefers-color-scheme: dark)");

/** @returns {"system" | "dark" | "light"} */
function chosen() {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "dark" || kept === "light" ? kept : "system";
  } catch {
    return "system"; // Kept nowhere: the browser forbids it.
  }
}

/** @returns {"dark" | "light"} What is shown. */
export function theme() {
  const choice = chosen();
  return choice === "system" ? (system.matches ? "dark" : "light") : choice;
}

function apply() {
  const choice = chosen();
  mark(document.documentElement, "data-theme", choice === "system" ? null : choice);
  say(byId("theme"), `Theme: ${choice}`);
}

/** Who is told that what is shown is another. */
let told = () => {};
system.addEventListener("change", () => told());

/**
 * Show the theme, and let it be chosen.
 *
 * @param {() => void} changed Called whenever what is shown is another.
 */
export function themed(changed) {
  told = changed;
  apply();
  byId("theme").onclick = () => {
    try {
      localStorage.setItem(KEY, NEXT[chosen()]);
    } catch {
      return;
    }
    apply();
    told();
  };
}
