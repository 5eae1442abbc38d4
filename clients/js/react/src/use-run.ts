import { useCallback, useEffect, useState } from "react";
import { RunError, type Client, type State } from "runrelay-client";

/** How a run stands, for whoever renders it. */
export interface RunView {
  /** Its newest state; null until the first one has come. */
  state: State | null;
  /** The newest preview, as an address for `<img>`; null while there is none. */
  preview: string | null;
  /** Whether changes are coming in at this moment. */
  connected: boolean;
  /** Why it can be watched no longer, or could not be cancelled; a run that failed is no error. */
  error: Error | null;
  /** Whether its cancellation has been asked for and it has not ended yet. */
  cancelling: boolean;
  /** Ask for its cancellation. Never rejects: what is in the way is in `error`. */
  cancel: () => Promise<void>;
}

type Seen = Omit<RunView, "cancel">;

interface Watched {
  client: Client;
  id: string | null;
  seen: Seen;
}

const NOTHING: Seen = {
  state: null,
  preview: null,
  connected: false,
  error: null,
  cancelling: false,
};

/**
 * Watch a run for as long as the component is there.
 *
 * @param client Of `connect()`. Keep it: another one begins anew.
 * @param id The run's; null watches nothing.
 */
export function useRun(client: Client, id: string | null): RunView {
  const [watched, setWatched] = useState<Watched>({ client, id, seen: NOTHING });

  // What is heard late, of a run that is no longer shown, changes nothing.
  const see = useCallback(
    (news: Partial<Seen>) =>
      setWatched((before) => {
        const same = before.client === client && before.id === id;
        return { client, id, seen: { ...(same ? before.seen : NOTHING), ...news } };
      }),
    [client, id],
  );

  useEffect(() => {
    if (id === null) return;
    const watching = new AbortController();
    const run = client.watch(id, {
      onChange: (state) => see({ state }),
      onPreview: ({ url }) => see({ preview: url }),
      onConnection: ({ connected }) => see({ connected }),
      onError: (error) => {
        if (!(error instanceof RunError)) see({ error });
      },
      signal: watching.signal,
    });
    see({ ...NOTHING, state: run.state, preview: run.preview, connected: run.connected });
    return () => watching.abort();
  }, [client, id, see]);

  const cancel = useCallback(async () => {
    if (id === null) return;
    see({ cancelling: true, error: null });
    try {
      await client.cancel(id);
    } catch (error) {
      see({ cancelling: false, error: error as Error });
    }
  }, [client, id, see]);

  const current = watched.client === client && watched.id === id;
  return { ...(current ? watched.seen : NOTHING), cancel };
}
