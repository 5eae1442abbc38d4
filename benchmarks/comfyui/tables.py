"""The figures as docs/benchmarks.md shows them, and whether each goal is reached."""

from collections.abc import Iterator
from typing import Final

from benchmarks import report
from benchmarks.report import Figures

HEARD_MS: Final = 100
ASKED_MS: Final = 2_500
ADDED_MB: Final = 60
OF_A_CORE: Final = 0.5


def tables(figures: Figures) -> Iterator[str]:
    """Yield the tables."""
    sockets = {"working": "", "dead": "_dead"}
    heads = ("sockets", "runs", "p50 ms", "p99 ms", "bare client, p50 ms", "p99 ms")
    lags = [_lag(name, figures[f"lag{kind}"]) for name, kind in sockets.items()]
    yield report.markdown(heads, lags)
    heads = ("sockets", "ended right", "MB before", "MB added", "core before", "core meanwhile")
    crowds = [
        _crowd(name, figures[f"crowd{kind}"])
        for name, kind in sockets.items()
        if f"crowd{kind}" in figures
    ]
    yield report.markdown(heads, crowds)
    line = figures["line"]
    heads = ("who places", "runs a second", "p50 ms between", "p99 ms", "everybody had one after")
    yield report.markdown(heads, [_placing("we", line, ""), _placing("bare client", line, "bare_")])
    heads = ("question of a round", "p50 ms", "plan", "keys", "documents", "returned")
    yield report.markdown(heads, [_question(*each) for each in line["questions"].items()])
    yield report.markdown(("goal", "reached?"), list(_goals(figures)))


def right(ended: Figures) -> bool:
    """Return whether all runs ended well."""
    return set(ended) == {"completed"}


def _lag(name: str, told: Figures) -> tuple[object, ...]:
    ours, bare = told["ms"], told["bare_ms"]
    return name, told["runs"], ours["p50"], ours["p99"], bare["p50"], bare["p99"]


def _crowd(name: str, told: Figures) -> tuple[object, ...]:
    ended = told["ended"].get("completed", 0)
    memory = told["memory_before_mb"], told["memory_added_mb"]
    return name, ended, *memory, told["idle_share_of_a_core"], told["share_of_a_core"]


def _placing(name: str, told: Figures, whose: str) -> tuple[object, ...]:
    between = told[f"{whose}between_runs_ms"]
    rate, first = told[f"{whose}placed_a_second"], told[f"{whose}everybody_had_one_after"]
    return name, rate, between["p50"], between["p99"], first


def _question(name: str, told: Figures) -> tuple[object, ...]:
    return (
        name,
        told["ms"]["p50"],
        *(told[each] for each in ("plan", "keys", "documents", "returned")),
    )


def _goals(figures: Figures) -> Iterator[tuple[str, str]]:
    heard, asked = figures["lag"]["ms"]["p50"], figures["lag_dead"]["ms"]["p50"]
    yield "p50 from the entry to the end under 100 ms", _reached(heard < HEARD_MS, f"{heard} ms")
    yield "with dead sockets under 2.5 s", _reached(asked < ASKED_MS, f"{asked / 1000:.2f} s")
    crowd, line = figures["crowd"], figures["line"]
    added, share = crowd["memory_added_mb"], crowd["share_of_a_core"]
    whole = right(crowd["ended"]) and crowd["once"]
    ended = ", ".join(f"{count} {status}" for status, count in crowd["ended"].items())
    yield "200 runs followed at once, all ended right", _reached(whole, ended)
    yield "under 60 MB more for them", _reached(added < ADDED_MB, f"{added} MB")
    yield "under half a core", _reached(share < OF_A_CORE, str(share))
    fair = line["fair"] and line["once"] and right(line["ended"])
    place = f"at most {line['passed_at_the_most']} passed on their way to other servers"
    yield f"{line['waiting']:,} waiting runs in fair order", _reached(fair, place)
    scans: dict[str, int] = line["collection_scans"]
    sought = ", ".join(f"{count} of {what}" for what, count in scans.items())
    yield "without a collection scan", _reached(not scans, sought or "none")


def _reached(is_so: bool, how: str) -> str:  # noqa: FBT001 - the one thing that it is about
    return f"{'yes' if is_so else 'no'}: {how}"
