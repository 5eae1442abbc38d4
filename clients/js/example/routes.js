/**
 * The shop's own server: it holds the API key, orders for the page, and hands it view tokens. It
 * goes into Express, Connect, or Vite as it is.
 */

/** What is ordered; your own deployment goes here. */
const ENGINE = {
  engine: "comfydeploy",
  deployment_id: "c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11",
};
/** Longest body that is read, in characters. */
const MOST = 10_000;

/**
 * Return what answers `/shop/...`.
 *
 * @param {{server: string, key: string}} runrelay Where it is, and a key with the scope `act`.
 * @returns {import("vite").Connect.NextHandleFunction}
 */
export function shop({ server, key }) {
  /** @type {Record<string, (body: any) => Promise<object>>} */
  const routes = {
    "GET /shop/settings": async () => ({ server }),
    "POST /shop/order": async ({ prompt }) => {
      const { id } = await ask("/api/generations", { ...ENGINE, inputs: { prompt } });
      return { id };
    },
    // This page shows everything. Yours names its person, {"user": ID}, and knows who that is.
    "POST /shop/token": () => ask("/api/tokens", { all: true, act: true, seconds: 600 }),
  };

  /**
   * @param {string} path
   * @param {object} body
   */
  async function ask(path, body) {
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    const answer = await fetch(server + path, init);
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.detail ?? told.title);
    return told;
  }

  return async (request, response, next) => {
    const route = routes[`${request.method} ${request.url}`];
    if (!route) return next();
    try {
      const told = await route(await bodyOf(request));
      response.setHeader("Content-Type", "application/json").end(JSON.stringify(told));
    } catch (error) {
      response.statusCode = 502;
      response.end(`Runrelay: ${error instanceof Error ? error.message : error}`);
    }
  };
}

/** @param {AsyncIterable<Buffer>} request */
async function bodyOf(request) {
  let text = "";
  for await (const piece of request) {
    text += piece;
    if (text.length > MOST) throw new Error("that is too long");
  }
  return text ? JSON.parse(text) : {};
}
