import { useEffect, useRef } from "react";
import { isOver, type Client, type State } from "runrelay-client";
import { RunCard, type RunCardProps } from "./run-card.js";
import { useRun } from "./use-run.js";

export interface RunProgressProps extends Pick<RunCardProps, "announce" | "words" | "className"> {
  /** Of `connect()`. */
  client: Client;
  /** The run's. */
  id: string;
  /** Whether there is a Cancel button. A view token needs `act` for it. */
  cancellable?: boolean;
  /** Called once, with the last state, when it has ended, however it did. */
  onEnd?: (state: State) => void;
}

/** One run from its order to its result, with previews and Cancel. */
export function RunProgress(props: RunProgressProps) {
  const { client, id, cancellable = true, onEnd, ...looks } = props;
  const { cancel, ...run } = useRun(client, id);
  useEnd(id, run.state, onEnd);
  return <RunCard {...run} {...looks} onCancel={cancellable ? cancel : undefined} />;
}

function useEnd(id: string, state: State | null, onEnd?: (state: State) => void) {
  const told = useRef<string | null>(null);
  useEffect(() => {
    if (state === null || !isOver(state) || told.current === id) return;
    told.current = id;
    onEnd?.(state);
  }, [id, state, onEnd]);
}
