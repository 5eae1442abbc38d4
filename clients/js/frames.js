/** Binary frames of ComfyUI's socket: pictures of what is being made. Numbers are big-endian. */

const PREVIEW = 1;
const PREVIEW_WITH_METADATA = 4;
const TYPES = { 1: "image/jpeg", 2: "image/png" };
const KNOWN = new Set(Object.values(TYPES));

/**
 * Read a frame.
 *
 * @param {ArrayBuffer} data
 * @returns {{id: string | null, blob: Blob} | null} `id`: of the prompt that it is of, where it
 *   says so; null for what is no picture.
 */
export function picture(data) {
  if (data.byteLength < 8) return null;
  const view = new DataView(data);
  const [kind, second] = [view.getUint32(0), view.getUint32(4)];
  if (kind === PREVIEW) return made(null, TYPES[second], data.slice(8));
  if (kind !== PREVIEW_WITH_METADATA) return null;
  try {
    const told = JSON.parse(new TextDecoder().decode(data.slice(8, 8 + second)));
    return made(String(told.prompt_id), told.image_type, data.slice(8 + second));
  } catch {
    return null;
  }
}

function made(id, type, bytes) {
  // Anything else might be a page with scripts, once it has an address.
  return KNOWN.has(type) && bytes.byteLength ? { id, blob: new Blob([bytes], { type }) } : null;
}
