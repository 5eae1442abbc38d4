/**
 * Runs what nodes of n8n hold, as its task runner does: code within a context of `node:vm` that has these names and no
 * others (no `require` of crypto, no WebCrypto), and expressions.
 *
 * Source: packages/@n8n/task-runner/src/js-task-runner/js-task-runner.ts of n8n, 2026.
 *
 * Reads a JSON list of what to run from standard input, and writes a JSON list of what came of it: `{result}` or `{error}`.
 */
import { createContext, runInContext } from 'node:vm';

/** What the code sees of the input: one item, and the output of nodes before it. */
function context({ item = {}, nodes = {}, vars = {}, execution = {}, now }) {
  const first = { json: item.json ?? {}, ...(item.raw === undefined ? {} : { binary: { data: {} } }) };
  class At extends Date {
    static now() {
      return now * 1000;
    }
  }
  const of = (name) => {
    if (!(name in nodes)) throw new Error(`no node ${name} has run`);
    return { first: () => ({ json: nodes[name] }) };
  };
  return createContext({
    Buffer,
    TextDecoder,
    TextEncoder,
    Date: At,
    require: (name) => {
      throw new Error(`Module '${name}' is disallowed`);
    },
    helpers: { getBinaryDataBuffer: async () => Buffer.from(item.raw, 'base64') },
    $input: { first: () => first },
    $json: first.json,
    $vars: vars,
    $execution: execution,
    $: of,
  });
}

/** Result of one thing to run. */
async function run(each) {
  const code = each.code ?? `return (${each.expression});`;
  try {
    const result = await runInContext(`(async function () {${code}\n}).call(globalThis)`, context(each), { timeout: 10_000 });
    return { result: result ?? null };
  } catch (error) {
    return { error: String(error?.message ?? error) };
  }
}

const parts = [];
for await (const part of process.stdin) parts.push(part);
const done = [];
for (const each of JSON.parse(Buffer.concat(parts).toString())) done.push(await run(each));
process.stdout.write(JSON.stringify(done));
