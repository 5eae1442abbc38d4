// The secret of the endpoint at Runrelay (whsec_...), from a variable of n8n. docs/n8n.md names other places.
const secret = $vars.RUNRELAY_WEBHOOK_SECRET;

// From here on nothing is to be changed. It says whether it was Runrelay that called, and lately, as Standard Webhooks
// has it: HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`, the body as it came. All in plain JavaScript, for a
// Code node has no crypto unless who runs n8n has allowed it.
const TOLERANCE_SECONDS = 300;
const BLOCK_BYTES = 64;
// The first 32 bits of what follows the point in the roots of the first primes (FIPS 180-4, 4.2.2 and 5.3.3).
const PRIMES = Array.from({ length: 310 }, (_, i) => i + 2).filter((n) => {
  for (let d = 2; d * d <= n; d += 1) if (n % d === 0) return false;
  return true;
});
const behindThePoint = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
const ROUNDS = PRIMES.slice(0, 64).map((prime) => behindThePoint(Math.cbrt(prime)));
const START = PRIMES.slice(0, 8).map((prime) => behindThePoint(Math.sqrt(prime)));

const turned = (word, by) => (word >>> by) | (word << (32 - by));

function sha256(message) {
  const padded = Buffer.alloc(Math.ceil((message.length + 9) / BLOCK_BYTES) * BLOCK_BYTES);
  message.copy(padded);
  padded[message.length] = 0x80;
  padded.writeBigUInt64BE(BigInt(message.length) * 8n, padded.length - 8);
  const hash = Int32Array.from(START);
  const w = new Int32Array(64);
  for (let at = 0; at < padded.length; at += BLOCK_BYTES) {
    for (let i = 0; i < 16; i += 1) w[i] = padded.readInt32BE(at + 4 * i);
    for (let i = 16; i < 64; i += 1) {
      const s0 = turned(w[i - 15], 7) ^ turned(w[i - 15], 18) ^ (w[i - 15] >>> 3);
      const s1 = turned(w[i - 2], 17) ^ turned(w[i - 2], 19) ^ (w[i - 2] >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let [a, b, c, d, e, f, g, h] = hash;
    for (let i = 0; i < 64; i += 1) {
      const s1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
      const one = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS[i] + w[i]) | 0;
      const s0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
      const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => { hash[i] += word; });
  }
  const digest = Buffer.alloc(32);
  hash.forEach((word, i) => digest.writeInt32BE(word, 4 * i));
  return digest;
}

function hmac(key, message) {
  const block = Buffer.alloc(BLOCK_BYTES);
  (key.length > BLOCK_BYTES ? sha256(key) : key).copy(block);
  const inner = sha256(Buffer.concat([Buffer.from(block.map((byte) => byte ^ 0x36)), message]));
  return sha256(Buffer.concat([Buffer.from(block.map((byte) => byte ^ 0x5c)), inner]));
}

// Looks at every character, whatever the first that differs: how long it takes tells nothing.
function same(ours, theirs) {
  let different = ours.length ^ theirs.length;
  for (let i = 0; i < ours.length; i += 1) different |= ours.charCodeAt(i) ^ theirs.charCodeAt(i);
  return different === 0;
}

function keyOf(text) {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(String(text ?? '').trim());
  const key = Buffer.from(encoded ? encoded[1] : '', 'base64');
  if (key.length < 16) throw new Error('The secret is missing, or is none: it begins with whsec_. See docs/n8n.md.');
  return key;
}

// What is wrong with a message; null where it is as it should be.
function wrong(key, headers, body, now) {
  const id = headers['webhook-id'] ?? '';
  const timestamp = headers['webhook-timestamp'] ?? '';
  const signatures = headers['webhook-signature'] ?? '';
  if (!/^[!-\-/-~]{1,256}$/.test(id) || signatures.length > 4096) return 'signature';
  if (!/^[0-9]{1,12}$/.test(timestamp) || Math.abs(now - Number(timestamp)) > TOLERANCE_SECONDS) return 'timestamp';
  const made = hmac(key, Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body])).toString('base64');
  const told = signatures.split(' ').filter((each) => each.startsWith('v1,'));
  return told.map((each) => same(made, each.slice(3))).includes(true) ? null : 'signature';
}

const key = keyOf(secret);
const heard = $input.first();
const headers = heard.json.headers;
// A Wait node whose time is up passes on what came before it.
if (!headers) return [{ json: { verified: false, reason: 'nothing came' } }];
// The bytes as they came: Raw Body is on in the node before. What n8n has parsed is not what was signed.
const body = heard.binary ? Buffer.from(await this.helpers.getBinaryDataBuffer(0, 'data')) : Buffer.alloc(0);
const reason = wrong(key, headers, body, Date.now() / 1000);
if (reason) return [{ json: { verified: false, reason } }];
const { type, timestamp, data } = JSON.parse(body.toString());
return [{ json: { verified: true, id: headers['webhook-id'], type, timestamp, data } }];
