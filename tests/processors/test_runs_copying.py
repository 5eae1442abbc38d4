"""processors.runs.copying: what has to be copied, and what is written of it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors import runs
from processors.runs import Copy
from processors.runs.copying import carried, key_of
from schemas.generation import EngineRun, Generation, Response
from schemas.run import Output, OutputKind, RunStatus
from tests.builders import ID, JOB, NOON, RUN, a_generation, an_output


def ended(*outputs: Output) -> Generation:
    """A generation that has ended with these outputs."""
    return a_generation(RunStatus.COMPLETED, response_payload=Response(outputs=outputs))


def test_what_lies_only_with_the_engine_is_wanted() -> None:
    """Not what has a copy, will have none, or is a text."""
    outputs = (
        an_output("1"),
        an_output("2", key="outputs/x"),
        an_output("3", not_kept="gone"),
        Output(id="t", kind=OutputKind.TEXT, text="hello"),
        an_output("5"),
    )
    wanted = runs.copies_wanted(ended(*outputs))

    assert [each.output.id for each in wanted] == ["1/images/0", "5/images/0"]
    assert [each.key.partition("-")[0] for each in wanted] == [f"outputs/{ID}/1", f"outputs/{ID}/5"]


def test_copies_are_noted_once() -> None:
    """Each under its key; what is noted twice is noted once."""
    before = ended(an_output("1"), an_output("2"), an_output("3"))
    first, second, third = runs.copies_wanted(before)
    copies = {first.key: Copy(content_type="image/png"), second.key: Copy(not_kept="gone")}
    after = runs.copied(before, copies)

    one, two, three = after.response_payload.outputs
    assert (one.key, one.content_type) == (first.key, "image/png")
    assert (two.key, two.not_kept) == (None, "gone")
    assert three == third.output
    assert [each.key for each in runs.copies_wanted(after)] == [third.key]
    assert runs.copied(after, copies) == after


def test_copies_of_what_was_replaced_are_not_noted() -> None:
    """An end that brings others has others copied."""
    (wanted,) = runs.copies_wanted(ended(an_output("1")))
    replaced = ended(an_output("1", url="https://outputs.example.com/other.png"))

    assert runs.copied(replaced, {wanted.key: Copy()}) == replaced


def test_an_address_that_is_signed_anew_keeps_its_key() -> None:
    """It is the same file; another file of the same name has another key."""
    key = key_of(ID, 1, an_output("1", url="https://a.example.com/a.png?s=1"))

    assert key == key_of(ID, 1, an_output("1", url="https://a.example.com/a.png?s=2"))
    assert key != key_of(ID, 1, an_output("1", url="https://b.example.com/a.png"))
    assert key != key_of(ID, 2, an_output("1", url="https://a.example.com/a.png"))


def test_a_new_end_keeps_the_copies_there_are() -> None:
    """What is the same output need not be copied again."""
    known = (an_output("1", key="outputs/x", content_type="image/png"), an_output("2"))
    new = (an_output("2"), an_output("1", url=f"{known[0].url}?signed=anew"))

    assert carried(known, new) == (
        new[0],
        new[1].change(key="outputs/x", content_type="image/png"),
    )


def test_a_file_within_its_address_is_dropped_once_it_is_copied() -> None:
    """What is left says that it was one; the same file is known again, another one is not."""
    output = an_output("1", url="data:image/png;base64,AAAA?", filename=None)
    (wanted,) = runs.copies_wanted(ended(output))
    after = runs.copied(ended(output), {wanted.key: Copy(content_type="image/png")})
    (kept,) = after.response_payload.outputs
    other = output.change(url="data:image/png;base64,BBBB")

    assert runs.name_in(wanted.key) == "output"
    assert (kept.key, kept.url, kept.inline) == (wanted.key, "data:image/png;base64,", True)
    assert runs.copies_wanted(after) == ()
    assert carried((kept,), (output,)) == (kept,)
    assert carried((kept,), (other,)) == (other,)
    assert key_of(ID, 1, output) != key_of(ID, 1, other)


def test_copies_that_are_kept_no_longer_are_marked() -> None:
    """The others stay; what is none of them changes nothing."""
    before = ended(an_output("1", key="outputs/x"), an_output("2", key="outputs/y"))
    one, two = runs.expired(before, {"outputs/x"}).response_payload.outputs

    assert (one.key, one.not_kept) == (None, "expired")
    assert two == before.response_payload.outputs[1]
    assert runs.expired(before, {"outputs/z"}) == before


@pytest.mark.parametrize(
    ("filename", "url", "name"),
    [
        ("a.png", "https://h/b.jpg", "a.png"),
        (None, "https://h/x/b%20c.jpg?d=e.png", "b_c.jpg"),
        ("../../etc/passwd", "https://h/b", "passwd"),
        ("..", "https://h/b", "output"),
        ('a"\r\nb.svg', "https://h/b", "a_b.svg"),
        ("ü" * 3 + ".png", "https://h/b", "png"),
        ("x" * 200 + ".mp4", "https://h/b", "x" * 76 + ".mp4"),
        ("a.png#1", "https://h/b", "a.png_1"),
        (None, "https://h/", "output"),
    ],
)
def test_a_key_ends_with_a_safe_name(filename: str | None, url: str, name: str) -> None:
    """Whatever a file is called, its key fits every storage, and every header."""
    assert runs.name_in(key_of(ID, 1, an_output(filename=filename, url=url))) == name


@given(filename=st.text(), url=st.text())
def test_a_key_tells_whose_it_is(filename: str, url: str) -> None:
    """Whatever strangers name their files."""
    key = key_of(ID, 200, an_output(filename=filename, url=url))

    assert re.fullmatch(r"outputs/[0-9a-f]{32}/200-[0-9a-f]{8}-[A-Za-z0-9._-]{1,80}", key)
    assert runs.owner_of(key) == ID


def test_what_is_no_copy_is_nobodys() -> None:
    """Other files in storage have no owner among generations; their names are their ends."""
    assert runs.owner_of("outputs/readme.txt") is None
    assert runs.owner_of(f"uploads/{ID}/1-00000000-a") is None
    assert runs.name_in("uploads/a.png") == "a.png"


@pytest.mark.parametrize(
    ("status", "why", "is_so"),
    [
        (RunStatus.COMPLETED, ("gone", "gone"), True),
        (RunStatus.COMPLETED, ("gone", "too_large"), False),
        (RunStatus.COMPLETED, ("gone", None), False),
        (RunStatus.COMPLETED, (), False),
        (RunStatus.FAILED, ("gone",), False),
    ],
)
def test_what_was_made_is_lost_when_all_of_it_is_gone(
    status: RunStatus, why: tuple[str | None, ...], *, is_so: bool
) -> None:
    """Of a run that completed; what is only too large is still with the engine."""
    outputs = tuple(an_output(str(number), not_kept=each) for number, each in enumerate(why))
    made = a_generation(status, response_payload=Response(outputs=outputs))

    assert runs.lost(made) is is_so


COPIED, GONE = an_output("1", key="outputs/x"), an_output("2", not_kept="gone")
FORBIDDEN = an_output("3", not_kept="forbidden")
CAPTION = Output(id="t", kind=OutputKind.TEXT, text="a caption")


@pytest.mark.parametrize("here", [COPIED, FORBIDDEN, CAPTION])
def test_a_job_goes_on_once_not_all_can_be_lost(here: Output) -> None:
    """Some of what was made is here, or nothing more is coming."""
    assert not runs.surely_made(ended(an_output()))
    assert not runs.surely_made(ended(an_output(), GONE))
    assert runs.surely_made(ended(an_output(), GONE, here))
    assert runs.surely_made(ended(GONE))
    assert runs.surely_made(ended())


def test_what_came_within_its_address_and_was_too_large_is_lost() -> None:
    """No engine has it: it is given back what was paid; made again it would be as large."""
    inline = an_output(url=None, not_kept="too_large")
    ran = EngineRun(attempt=1, run_id=RUN, submitted_at=NOON)
    made = ended(inline).change(job_id=JOB, runs=(ran,))

    assert runs.lost(made)
    assert runs.may_remake(ended(GONE).change(job_id=JOB, runs=(ran,), max_attempts=2))
    assert not runs.may_remake(made.change(max_attempts=2))


def test_files_of_one_path_are_told_apart_by_their_names() -> None:
    """A server of ComfyUI's has one path for all; its next run may name other files."""
    known = (an_output(url="http://gpu/view?filename=a_1.png&type=output", key="k"),)
    same = an_output(url="http://gpu/view?type=output&filename=a_1.png")
    other = an_output(url="http://gpu/view?filename=a_2.png&type=output")

    assert [each.key for each in carried(known, (same, other))] == ["k", None]
    assert key_of(ID, 1, same) != key_of(ID, 1, other)
