import { isOver, type Output, type State } from "runrelay-client";
import type { Words } from "./words.js";

/** What a run has made, or the newest preview of it. */
export function Result(props: {
  state: State | null;
  preview: string | null;
  title: string;
  words: Words;
}) {
  const { state, preview, title, words } = props;
  const outputs = state?.responsePayload?.outputs ?? [];
  const shown = outputs.filter((output) => output.text || addressOf(output));
  if (shown.length > 0)
    return (
      <div className="runrelay-outputs">
        {shown.map((output) => (
          <Made key={output.id} output={output} title={title} words={words} />
        ))}
      </div>
    );
  const waiting = outputs.length > 0 && isOver(state) ? missing(outputs, words) : null;
  return (
    <>
      {preview && <img className="runrelay-preview" src={preview} alt={words.preview(title)} />}
      {waiting && <p className="runrelay-detail">{waiting}</p>}
    </>
  );
}

function missing(outputs: Output[], words: Words): string {
  return outputs.every((output) => output.notKept) ? words.unavailable : words.keeping;
}

function Made({ output, title, words }: { output: Output; title: string; words: Words }) {
  const address = addressOf(output);
  if (!address)
    return (
      <pre className="runrelay-text" dir="auto" tabIndex={0}>
        {output.text}
      </pre>
    );
  if (output.kind === "image")
    return (
      <a href={address} target="_blank" rel="noreferrer">
        <img src={address} alt={title} loading="lazy" />
      </a>
    );
  if (output.kind === "video") return <video src={address} aria-label={title} controls loop />;
  if (output.kind === "audio") return <audio src={address} aria-label={title} controls />;
  return (
    <a className="runrelay-file" href={address} target="_blank" rel="noreferrer">
      {output.filename ?? words.file}
    </a>
  );
}

/** Return where to see it: our copy, else the engine's; never an address that runs a script. */
function addressOf(output: Output): string | null {
  const address = output.mediaUrl ?? output.url;
  if (!address) return null;
  if (/^(https?:)?\//i.test(address) || address.startsWith("blob:")) return address;
  return /^data:(image|video|audio)\//i.test(address) ? address : null;
}
