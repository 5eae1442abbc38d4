"""processors.runs.keeping: outputs join in any order, and never outgrow their room."""

from hypothesis import given
from hypothesis import strategies as st

from processors.runs import keeping
from schemas.generation import OUTPUTS_KEPT
from schemas.run import Output, OutputKind
from tests import strategies
from tests.builders import NOON, an_output, later


@st.composite
def large_outputs(draw: st.DrawFn) -> tuple[Output, ...]:
    """Outputs of one message, some of them far too large, with ids that spread over all places."""
    names = draw(st.lists(st.sampled_from("abcdefghijklmno"), max_size=12, unique=True))
    return tuple(draw(a_large_output(name)) for name in names)


@st.composite
def a_large_output(draw: st.DrawFn, name: str) -> Output:
    """One output: a text or an address, short or long, at one of few moments."""
    said = draw(st.sampled_from("xyé")) * draw(st.sampled_from([1, 499, 500, 501, 9000]))
    at = draw(st.sampled_from([later(1), later(2)]))
    if draw(st.booleans()):
        return a_text(said, name).change(received_at=at)
    return an_output(name, at, url=f"https://outputs.example.com/{said}")


told = strategies.told_outputs() | large_outputs()


def a_text(said: str, name: str = "1") -> Output:
    """A text output, heard at noon."""
    return Output(id=f"{name}/images/0", kind=OutputKind.TEXT, text=said, received_at=NOON)


def room_of(outputs: tuple[Output, ...]) -> int:
    """Bytes of all texts and addresses."""
    return sum(len((each.url or each.text or "").encode()) for each in outputs)


@given(told, told, told)
def test_case_12_outputs_join(
    one: tuple[Output, ...], two: tuple[Output, ...], three: tuple[Output, ...]
) -> None:
    """Outputs are the same in whatever order they come, each id once."""
    both = keeping.latest(keeping.latest((), one), two)

    assert both == keeping.latest(keeping.latest((), two), one)
    assert keeping.latest(both, three) == keeping.latest(
        keeping.latest(keeping.latest((), three), two), one
    )
    assert len({each.id for each in both}) == len(both)


def test_an_output_without_arrival_gives_way() -> None:
    """What was heard at a known moment is newer than what has none."""
    silent, told = an_output(), an_output(at=NOON)

    assert keeping.latest((silent,), [told]) == (told,)
    assert keeping.latest((told,), [silent]) == (told,)


def test_whole_seconds_come_before_their_fractions() -> None:
    """Arrivals are compared as times, also where one has no fraction to print."""
    whole, fraction = an_output(at=later(1)), an_output(at=later(1.5), url="https://b.example.com/")

    assert keeping.latest((whole,), [fraction]) == (fraction,)
    assert keeping.latest((fraction,), [whole]) == (fraction,)


@given(st.data())
def test_outputs_are_the_same_in_any_order(data: st.DataObject) -> None:
    """However many there are, however large, and however often they are told."""
    messages = data.draw(st.lists(large_outputs(), max_size=4))
    order = data.draw(st.permutations([*messages, *messages[:2]]))
    one, other = tuple[Output, ...](), tuple[Output, ...]()
    for each in messages:
        one = keeping.latest(one, each)
    for each in order:
        other = keeping.latest(other, each)

    assert one == other


def test_files_within_their_addresses_have_room_of_their_own() -> None:
    """They are whole or not at all, and take nothing from texts and other addresses."""
    quarter = "data:image/png;base64,".ljust(keeping.DATA_ROOM // 4, "A")
    files = [an_output(str(number), url=quarter) for number in range(5)]
    text = a_text("x" * 9_000)
    *kept, last, beside = keeping.fitted([*files, text])

    assert kept == files[:4]
    assert (last.url, last.not_kept, last.kind) == (None, "too_large", OutputKind.IMAGE)
    assert beside == text


def test_a_flood_of_large_outputs_stays_small() -> None:
    """Of 200 texts of 8 kB the first few are whole, and the others visibly cut."""
    flood = [a_text("x" * 8000, f"{number:03}") for number in range(OUTPUTS_KEPT)]
    kept = keeping.latest((), flood)

    assert room_of(kept) < 170_000
    whole = [each for each in kept if each.text == "x" * 8000]
    assert kept[: keeping.LARGE] == tuple(whole)
    assert all(each.text == "x" * keeping.SMALL_KEPT + "…" for each in kept[keeping.LARGE :])


def test_a_cut_never_breaks_a_character() -> None:
    """Room is counted in bytes."""
    texts = [a_text("é" * 8000, f"{number:03}") for number in range(keeping.LARGE + 1)]
    last = keeping.latest((), [each.change(text=f"x{each.text}") for each in texts])[-1].text

    assert last == "x" + "é" * 249 + "…"


def test_a_newer_and_shorter_output_is_whole_again() -> None:
    """It takes the place of one that did not fit."""
    address = an_output("z", NOON, url="https://outputs.example.com/" + "x" * 600)
    others = [a_text("x", name) for name in "abcdefgh"]
    cut = keeping.latest((), [*others, address])
    assert (cut[-1].url, cut[-1].text) == (None, "…")
    assert keeping.latest(cut, [address]) == cut

    newer = an_output("z", later(1))
    assert keeping.latest(cut, [newer])[-1] == newer


def test_an_end_keeps_addresses_before_texts() -> None:
    """All of it has its room; what does not fit is cut where it can be seen."""
    texts = [a_text("x" * 8000, f"t{number}") for number in range(20)]
    pictures = [an_output(f"p{number}") for number in range(20)]
    fitted = keeping.fitted([*texts, *pictures])

    assert fitted[20:] == tuple(pictures)
    assert keeping.ROOM <= room_of(fitted) < keeping.ROOM + 100
    assert fitted[:10] == tuple(texts[:10])
    assert {each.text for each in fitted[15:20]} == {"…"}


def test_addresses_beyond_all_room_leave_a_mark() -> None:
    """A cut address would lead nowhere."""
    long = [
        an_output(f"{number:03}", url="https://b.example.com/" + "x" * 4000) for number in range(30)
    ]
    fitted = keeping.fitted(long)

    assert room_of(fitted) < keeping.ROOM + 100
    assert {(each.kind, each.url, each.text) for each in fitted[25:]} == {
        (OutputKind.TEXT, None, "…")
    }
