import { useEffect, useMemo, useReducer, useState } from "react";
import type { Client, Job, Runs, State } from "runrelay-client";

/** Which runs. What is left out matches all that the token may see. */
export interface RunsQuery {
  /** Of this person, by id. */
  user?: string;
  /** Of this job, by id. */
  job?: string;
  /** With this status; `open`: that have not ended. */
  status?: string;
  /** Whether previews are fetched for all of them. */
  previews?: boolean;
}

/** How many runs stand, for whoever renders them. */
export interface RunsView {
  /** The newest first. */
  runs: State[];
  /** The newest first. */
  jobs: Job[];
  /** The newest preview by a run's id, as an address for `<img>`. */
  previews: ReadonlyMap<string, string>;
  /** Whether changes are coming in at this moment. */
  connected: boolean;
  /** Whether all that there is has come, once. */
  ready: boolean;
  /** Why they can be watched no longer. */
  error: Error | null;
}

/** What is watched now, and what is known beside it. */
interface Watched {
  runs: Runs;
  previews: Map<string, string>;
  ready: boolean;
  error: Error | null;
}

const NOTHING: RunsView = {
  runs: [],
  jobs: [],
  previews: new Map(),
  connected: false,
  ready: false,
  error: null,
};

/**
 * Watch all runs that match, over one stream, for as long as the component is there.
 *
 * @param client Of `connect()`. Keep it: another one begins anew.
 */
export function useRuns(client: Client, query: RunsQuery = {}): RunsView {
  const { user, job, status, previews = false } = query;
  const [watched, setWatched] = useState<Watched | null>(null);
  // Counts the changes: React renders many that come at once only once.
  const [changes, changed] = useReducer((count: number) => count + 1, 0);

  useEffect(() => {
    const watching = new AbortController();
    const known: Omit<Watched, "runs"> = { previews: new Map(), ready: false, error: null };
    const show = async (id: string) => {
      const url = await client.preview(id).catch(() => null);
      if (url === null || watching.signal.aborted) return;
      known.previews.set(id, url);
      changed();
    };
    const runs = client.watchAll({
      user,
      job,
      status,
      onChange: ({ id, state }) => {
        if (state === null) known.previews.delete(id);
        changed();
      },
      onPreview: ({ id }) => {
        if (previews) void show(id);
      },
      onConnection: changed,
      onError: (error) => {
        known.error = error;
        changed();
      },
      signal: watching.signal,
    });
    const now: Watched = Object.assign(known, { runs });
    runs.addEventListener("job", changed);
    runs.addEventListener("ready", () => {
      now.ready = true;
      changed();
    });
    setWatched(now);
    return () => {
      watching.abort();
      setWatched(null);
    };
  }, [client, user, job, status, previews]);

  return useMemo(() => (watched ? seen(watched) : NOTHING), [watched, changes]);
}

function seen({ runs, previews, ready, error }: Watched): RunsView {
  return {
    runs: newestFirst([...runs.states.values()]),
    jobs: newestFirst([...runs.jobs.values()]),
    previews: new Map(previews),
    connected: runs.connected,
    ready,
    error,
  };
}

/** Ids rise with time, and so say which is newer. */
function newestFirst<Item extends { id: string }>(items: Item[]): Item[] {
  return items.sort((one, other) => (one.id < other.id ? 1 : -1));
}
