import { useState, type FormEvent } from "react";
import type { Client } from "runrelay-client";
import { RunCard, RunProgress, useRuns } from "runrelay-client/react";
import { ask } from "./asking.js";

/** Order a picture, watch it being made, and see what others have ordered. */
export function Shop({ client }: { client: Client }) {
  // In the address, so that a reload goes on watching.
  const [id, setId] = useState(location.hash.slice(1));
  const [trouble, setTrouble] = useState("");

  async function order(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    setTrouble("");
    const prompt = new FormData(event.currentTarget).get("prompt");
    try {
      const ordered = await ask<{ id: string }>("/shop/order", { prompt });
      history.replaceState(null, "", `#${ordered.id}`);
      setId(ordered.id);
    } catch (error) {
      setTrouble((error as Error).message);
    }
  }

  return (
    <main>
      <h1>A shop for pictures</h1>
      <form onSubmit={order}>
        <label htmlFor="prompt">What shall it show?</label>
        <input id="prompt" name="prompt" defaultValue="a lighthouse at dusk" required />
        <button>Order</button>
      </form>
      {trouble && <p role="alert">{trouble}</p>}
      {id && <RunProgress client={client} id={id} />}
      <Others client={client} id={id} />
    </main>
  );
}

function Others({ client, id }: { client: Client; id: string }) {
  const { runs, previews, connected } = useRuns(client, { previews: true });
  const others = runs.filter((run) => run.id !== id).slice(0, 12);
  if (others.length === 0) return null;
  return (
    <section aria-labelledby="others">
      <h2 id="others">Others</h2>
      <ul>
        {others.map((run) => (
          <li key={run.id}>
            <RunCard
              state={run}
              preview={previews.get(run.id)}
              connected={connected}
              announce={false}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}
