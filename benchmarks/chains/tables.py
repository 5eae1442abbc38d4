"""The figures as docs/benchmarks.md shows them, and whether each goal is reached."""

from collections.abc import Iterator
from typing import Final

from benchmarks import report
from benchmarks.report import Figures

BETWEEN_MS: Final = 50
ANSWER_MS: Final = 2_000
BUDGET_SECONDS: Final = 20
_NONE: Final = {"p50": "", "p99": ""}


def tables(figures: Figures) -> Iterator[str]:
    """Yield the tables."""
    links, fan, checker = figures["links"], figures["fan"], figures["checker"]
    heads = ("who goes on", "p50 ms from the webhook", "p99 ms", "p50 ms from our record", "p99 ms")
    yield report.markdown(heads, list(_links(links)))
    heads = ("a chain of", "steps", "answer ms", "seconds", "ms a step", "p50 ms between", "p99 ms")
    yield report.markdown(heads, [_long(name, figures[name]) for name in ("words", "pictures")])
    heads = ("a fan-out of", "answer ms", "submitted s", "ended s", "settled s", "told s")
    seconds = (fan[f"{each}_s"] for each in ("submitted", "ended", "closed", "told"))
    yield report.markdown(heads, [(fan["runs"], fan["answer_ms"], *seconds)])
    heads = ("a call of the checker", "seconds", "checked", "ended", "requests a second", "left")
    yield report.markdown(heads, list(_calls(checker)))
    yield report.markdown(("goal", "reached?"), list(_goals(figures)))


def _links(links: Figures) -> Iterator[tuple[object, ...]]:
    for name, told, written in (
        ("we, with a copy", links["told_ms"], links["written_ms"]),
        ("bare client, with a copy", links["bare_copying_ms"], _NONE),
        ("bare client, without", links["bare_ms"], _NONE),
        ("asking every 30 s (computed)", links["polled_ms"], _NONE),
    ):
        yield name, told["p50"], told["p99"], written["p50"], written["p99"]


def _long(name: str, told: Figures) -> tuple[object, ...]:
    between = told["between_ms"]
    fields = ("steps", "answer_ms", "total_s", "ms_a_step")
    return name, *(told[each] for each in fields), between["p50"], between["p99"]


def _calls(checker: Figures) -> Iterator[tuple[object, ...]]:
    for name, told in (("all open", checker["checked"]), ("all at their end", checker["ends"])):
        ended = told["written"].get("completed", 0)
        yield name, told["s"], told["checked"], ended, told["requests_a_second"], told["left"]


def _goals(figures: Figures) -> Iterator[tuple[str, str]]:
    between = figures["links"]["told_ms"]["p50"]
    said = f"{between} ms"
    yield (
        "p50 from a step's end to the next submit under 50 ms",
        _reached(between < BETWEEN_MS, said),
    )
    checker = figures["checker"]
    checked, runs = checker["checked"], checker["runs"]
    whole = checked["checked"] >= runs and not checked["left"] and checked["s"] <= BUDGET_SECONDS
    said = f"{checked['checked']} in {checked['s']} s"
    yield f"{runs:,} open runs checked within 20 s", _reached(whole, said)
    paced = [checker["creations_a_minute"], checker["others_a_minute"]]
    within = all(most <= limit for most, limit in paced)
    said = ", ".join(f"at most {most:,} of {limit:,} a minute" for most, limit in paced)
    yield "within Replicate's limits", _reached(within, said)
    second = checker["second"]
    busy = second["said"] == {"busy": True}
    yield "a second call meanwhile is told so", _reached(busy, f"after {second['ms']} ms")
    fan = figures["fan"]
    answered = fan["answer_ms"] < ANSWER_MS
    goal = f"an order of {fan['runs']} runs answered within 2 s"
    yield goal, _reached(answered, f"{fan['answer_ms'] / 1000:.2f} s")
    ended = [figures[each]["ended"] for each in ("links", "words", "pictures", "fan", "checker")]
    whole = all(set(each) == {"completed"} for each in ended)
    total = sum(each.get("completed", 0) for each in ended)
    yield "every run ended right", _reached(whole, f"{total:,} completed")


def _reached(is_so: bool, how: str) -> str:  # noqa: FBT001 - the one thing that it is about
    return f"{'yes' if is_so else 'no'}: {how}"
