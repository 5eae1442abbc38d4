import { useEffect, useId, useRef } from "react";
import { isOver, type State } from "runrelay-client";
import { Result } from "./result.js";
import { ENGLISH, announcement, percentOf, standing, titleOf, type Words } from "./words.js";

export interface RunCardProps {
  /** How the run stands; null while that is not known. */
  state: State | null;
  /** The newest preview, as an address for `<img>`. */
  preview?: string | null;
  /** Whether changes are coming in. */
  connected?: boolean;
  /** What is in the way. */
  error?: Error | null;
  /** Whether it has been cancelled and has not ended yet. */
  cancelling?: boolean;
  /** Cancel it. Without this there is no button. */
  onCancel?: () => void;
  /** Whether changes of status are said to screen readers; off where there are many cards. */
  announce?: boolean;
  /** Texts that differ from the English ones. */
  words?: Partial<Words>;
  className?: string;
}

/** How one run looks. It watches nothing: `RunProgress` does. */
export function RunCard(props: RunCardProps) {
  const { state, preview = null, connected = true, error = null, cancelling = false } = props;
  const { onCancel, announce = true } = props;
  const words = { ...ENGLISH, ...props.words };
  const titleId = useId();
  const over = isOver(state);
  const { card, watched } = useKeptFocus(over);
  const title = titleOf(state, words);
  const stands = standing(state, words);
  const trouble = state?.responsePayload?.error ?? state?.statusReason;

  return (
    <article
      ref={card}
      className={["runrelay", props.className].filter(Boolean).join(" ")}
      data-status={state?.status ?? "unknown"}
      aria-labelledby={titleId}
      tabIndex={-1}
    >
      <Result state={state} preview={preview} title={title} words={words} />
      <p className="runrelay-title" id={titleId} dir="auto" title={title}>
        {title}
      </p>
      {!over && (
        <progress
          max={100}
          value={percentOf(state) ?? undefined}
          aria-labelledby={titleId}
          aria-valuetext={stands}
        />
      )}
      <p className="runrelay-standing">{stands}</p>
      {over && state?.status !== "completed" && trouble && (
        <p className="runrelay-detail" dir="auto">
          {trouble}
        </p>
      )}
      {state && !over && !connected && <p className="runrelay-detail">{words.reconnecting}</p>}
      {error && (
        <p className="runrelay-detail" role="alert">
          {error.message}
        </p>
      )}
      {onCancel && state && !over && (
        <button
          type="button"
          className="runrelay-cancel"
          aria-describedby={titleId}
          aria-disabled={cancelling}
          onClick={cancelling ? undefined : onCancel}
          {...watched}
        >
          {cancelling ? words.cancelling : words.cancel}
        </button>
      )}
      {announce && (
        <p className="runrelay-said" role="status">
          {announcement(state, words)}
        </p>
      )}
    </article>
  );
}

/** Whoever has the focus on Cancel when the run ends finds it on the card, not at the page's top. */
function useKeptFocus(over: boolean) {
  const card = useRef<HTMLElement>(null);
  const focused = useRef(false);
  useEffect(() => {
    if (over && focused.current) card.current?.focus({ preventScroll: true });
    if (over) focused.current = false;
  }, [over]);
  // React tells no blur of what it takes away itself.
  const onFocus = () => void (focused.current = true);
  const onBlur = () => void (focused.current = false);
  return { card, watched: { onFocus, onBlur } };
}
