/** What ComfyUI's nodes gave, `{node: {key: [items]}}`, as outputs of a state. */

/** Folders of what is no result: previews, and what was handed over. */
const NO_RESULTS = new Set(["temp", "input"]);
const TYPES = {
  image: "png jpg jpeg webp gif bmp tif tiff avif svg exr",
  video: "mp4 webm mkv mov avi m4v",
  audio: "mp3 wav flac ogg opus m4a aac",
  model: "glb gltf obj fbx stl ply usdz",
};
const KINDS = new Map(
  Object.entries(TYPES).flatMap(([kind, all]) => all.split(" ").map((each) => [each, kind])),
);

/**
 * Translate what nodes gave; what does not fit is passed over.
 *
 * @param {Record<string, Record<string, unknown[]> | null>} told
 * @param {string} base The server's address.
 * @returns {import("./comfyui-client.js").Output[]}
 */
export function outputs(told, base) {
  return Object.entries(told).flatMap(([node, given]) =>
    Object.entries(given ?? {}).flatMap(([key, items]) =>
      (Array.isArray(items) ? items : []).flatMap((item, index) =>
        output(`${node}/${key}/${index}`, item, base),
      ),
    ),
  );
}

/** @returns {import("./comfyui-client.js").Output[]} */
function output(id, item, base) {
  if (typeof item === "string") return [{ ...NOTHING, id, kind: "text", text: item }];
  if (!item?.filename || NO_RESULTS.has(item.type)) return [];
  const { filename, subfolder = "", type = "output", format } = item;
  const mediaUrl = `${base}/view?${new URLSearchParams({ filename, subfolder, type })}`;
  const kind = /** @type {any} */ (KINDS.get(/[^.]*$/.exec(filename)[0].toLowerCase()) ?? "file");
  const contentType = /^[\w.+-]+\/[\w.+-]+$/.test(format) ? format : null;
  return [{ ...NOTHING, id, kind, mediaUrl, contentType, filename }];
}

const NOTHING = { url: null, mediaUrl: null, contentType: null, filename: null, text: null };
