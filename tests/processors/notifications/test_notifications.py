"""What people are told about a generation."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors import notifications
from processors.notifications import endings, markup
from processors.notifications.buttons import Rows
from processors.notifications.charging import Charge
from schemas.base import EngineName, GenerationId, RunId
from schemas.debt import Debt, DebtKind
from schemas.generation import Generation, Metadata, Request, Response, Retry, StatusChange
from schemas.run import Output, OutputKind, RunStatus
from tests.processors.notifications.test_markup import read
from tests.speech import translate

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_generation(
    *,
    inputs: dict[str, Any] | None = None,
    language: str | None = None,
    outputs: tuple[Output, ...] = (),
    run_id: str | None = "run-1",
    **fields: Any,  # noqa: ANN401 - any field of a generation
) -> Generation:
    """A generation of a lighthouse."""
    fields.setdefault("status", RunStatus.COMPLETED)
    return Generation(
        id=GenerationId("0" * 32),
        engine=EngineName("comfydeploy"),
        created_at=NOON,
        updated_at=NOON,
        request_timestamp=NOON,
        metadata=Metadata(run_id=RunId(run_id) if run_id else None, language=language),
        request_payload=Request(
            deployment_id="d", inputs={"prompt": "a lighthouse"} if inputs is None else inputs
        ),
        response_payload=Response(outputs=outputs),
        **fields,
    )


def an_output(n: int = 0, **fields: Any) -> Output:  # noqa: ANN401 - any field of an output
    """A picture."""
    fields.setdefault("kind", OutputKind.IMAGE)
    if "text" not in fields:
        fields.setdefault("url", f"https://cdn.test/{n}.png")
    return Output(id=f"o/images/{n}", **fields)


def everybody(url: str) -> bool:
    """Trust every host."""
    return bool(url)


def nobody(url: str) -> bool:
    """Trust no host."""
    return not url


def told(generation: Generation) -> str:
    """Return the words of an end."""
    return notifications.end(generation, trusted=everybody, translate=translate).plain


def shown_of(generation: Generation, *, now: datetime | None = None) -> str:
    """Return the words of a status message."""
    return notifications.status_message(generation, now=now, translate=translate).text


def test_success_tells_prompt_time_and_cost() -> None:
    """A success brings its picture with what was asked, how long it took and what it cost."""
    content = notifications.end(
        a_generation(
            outputs=(an_output(filename="out.png", content_type="image/png"),),
            duration_seconds=11.94,
            cost_usd=Decimal("0.004044"),
            ended_by="engine",
        ),
        trusted=everybody,
        translate=translate,
    )

    assert content.text == (
        "<b>✅ Done</b>\n<blockquote>a lighthouse</blockquote>\nTime: 11.9 s\nCost: $0.004044"
    )
    assert content.plain == "✅ Done\na lighthouse\nTime: 11.9 s\nCost: $0.004044"
    assert [item.url for item in content.items] == ["https://cdn.test/0.png"]
    assert content.items[0].filename == "out.png"


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("0", "0.00"), ("1.5", "1.50"), ("0.004040", "0.00404"), ("12", "12.00")],
)
def test_money(amount: str, expected: str) -> None:
    """Amounts have two places, or as many as say something."""
    assert expected == notifications.money(Decimal(amount))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"cost_usd": None, "cost_reason": "no_rate"}, None),
        ({"cost_usd": None, "cost_reason": "no_duration"}, "Cost: not known yet"),
        ({"cost_usd": Decimal(0), "cost_reason": "not_run"}, None),
        ({"cost_usd": Decimal("0.1"), "cost_reason": None}, "Cost: $0.10"),
    ],
)
def test_cost(fields: dict[str, Any], said: str | None) -> None:
    """An unknown cost is said to be unknown; one nobody set a rate for is not mentioned."""
    lines = told(a_generation(**fields)).splitlines()

    assert [line for line in lines if "Cost" in line] == ([said] if said else [])


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("submit_unknown", "The engine never confirmed that it had received this."),
        ("lost", "The engine knows nothing of this run any more."),
        ("overdue", "It was not finished within its time limit."),
        ("refused", "The engine refused to run this."),
        ("cancel_unconfirmed", "The engine did not answer when asked to cancel."),
        ("odd_slug", "Reason: odd_slug"),
        ("Node 4: <out of memory>", "The engine says: Node 4: <out of memory>"),
    ],
)
def test_a_failure_says_why(reason: str, said: str) -> None:
    """Each reason is put in words."""
    generation = a_generation(status=RunStatus.FAILED, status_reason=reason, ended_by="engine")

    assert said in told(generation).splitlines()


@pytest.mark.parametrize("reason", [None, "unconfirmed", " "])
def test_a_failure_without_a_reason_says_so(reason: str | None) -> None:
    """Nothing is made up where nobody said why; that nobody did is said."""
    generation = a_generation(status=RunStatus.FAILED, status_reason=reason, ended_by="engine")

    assert told(generation) == "❌ It failed\na lighthouse\nThe engine gave no reason."


@pytest.mark.parametrize(
    ("status", "fields", "said"),
    [
        (RunStatus.CANCELLED, {"cancel_wanted": True}, "As you asked."),
        (
            RunStatus.CANCELLED,
            {},
            (
                "The engine cancelled it; nobody had asked for that here.\n"
                "Last step seen: Executing KSampler"
            ),
        ),
        (
            RunStatus.TIMEOUT,
            {},
            "The engine stopped it at its own time limit.\nLast step seen: Executing KSampler",
        ),
        (
            RunStatus.TIMEOUT,
            {"ended_by": "us", "confirmed": True},
            (
                "The engine had heard nothing of it for so long that it gave it up.\n"
                "Last step seen: Executing KSampler"
            ),
        ),
        (
            RunStatus.FAILED,
            {"cancel_wanted": True},
            "The engine gave no reason.\nLast step seen: Executing KSampler",
        ),
    ],
)
def test_an_end_without_a_reason_says_what_is_known(
    status: RunStatus, fields: dict[str, Any], said: str
) -> None:
    """Who wanted it, whose limit it was, and how far it had come."""
    known: dict[str, Any] = {"ended_by": "engine", "live_status": "Executing KSampler", **fields}

    assert f"a lighthouse\n{said}" in told(a_generation(status=status, **known))


def test_the_last_step_is_one_short_harmless_line() -> None:
    """The engine's word for a step is escaped, cut, and cannot begin a line of its own."""
    step = "Executing <b>\u202e\nnode " + "x" * 200
    content = notifications.end(
        a_generation(status=RunStatus.FAILED, live_status=step, ended_by="engine"),
        trusted=everybody,
        translate=translate,
    )
    line = content.plain.splitlines()[-1]

    assert line.startswith("Last step seen: Executing <b> node xxx")
    assert len(line) == len("Last step seen: ") + endings.STEP_KEPT
    assert "Executing &lt;b&gt; node" in content.text


@pytest.mark.parametrize("language", ["en", "ru", "pt"])
@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.TIMEOUT])
def test_no_bad_end_is_told_without_a_why(status: RunStatus, language: str) -> None:
    """Failure, cancel and timeout say why, in every language, whatever is known."""
    generation = a_generation(status=status, ended_by="engine", language=language)

    assert len(told(generation).splitlines()) > 2


def test_a_success_says_no_reason() -> None:
    """What went well needs no reason."""
    assert "odd" not in told(a_generation(status_reason="odd", ended_by="engine"))


@pytest.mark.parametrize(
    ("fields", "provisional"),
    [
        ({"ended_by": "us"}, True),
        ({"ended_by": "engine"}, False),
        ({"ended_by": "us", "run_id": None}, False),
        ({"ended_by": "us", "run_id": None, "status_reason": "submit_unknown"}, True),
    ],
)
def test_an_end_said_by_us_admits_it(fields: dict[str, Any], *, provisional: bool) -> None:
    """Where the engine may still say otherwise, the person is told so."""
    words = told(a_generation(status=RunStatus.TIMEOUT, **fields))

    assert provisional == ("If it says otherwise, you will be told." in words)


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        (
            RunStatus.TIMEOUT,
            RunStatus.COMPLETED,
            "We had given this up at 2026-01-01 12:00 UTC; it finished after all.",
        ),
        (
            RunStatus.CANCELLED,
            RunStatus.FAILED,
            "What you were told before was not final. The engine has now said:",
        ),
        (
            RunStatus.COMPLETED,
            RunStatus.COMPLETED,
            "What you were told before was not final. The engine has now said:",
        ),
    ],
)
def test_an_end_that_replaces_ours_says_so(ours: RunStatus, theirs: RunStatus, said: str) -> None:
    """What was given up and finished late is called so; another end is called not final."""
    history = (
        StatusChange(status=ours, at=NOON, source="us"),
        StatusChange(status=theirs, at=NOON + timedelta(minutes=1), source="engine"),
    )
    words = told(a_generation(status=theirs, ended_by="engine", history=history))

    assert words.splitlines()[0] == said


def test_an_end_that_confirms_ours_before_ours_was_told_says_nothing_of_it() -> None:
    """Whoever was told of nothing yet hears of no other end."""
    history = (
        StatusChange(status=RunStatus.TIMEOUT, at=NOON, source="us"),
        StatusChange(status=RunStatus.TIMEOUT, at=NOON, source="engine"),
    )
    words = told(a_generation(status=RunStatus.TIMEOUT, ended_by="engine", history=history))

    assert "not final" not in words


def test_an_unconfirmed_end_brings_outputs_of_listed_hosts_only() -> None:
    """What the engine could not vouch for is held back unless its host is known."""
    outputs = (an_output(), an_output(1, url="https://evil.test/x.png"), an_output(2, text="hi"))
    content = notifications.end(
        a_generation(confirmed=False, ended_by="us", outputs=outputs),
        trusted=lambda url: "cdn.test" in url,
        translate=translate,
    )

    assert [item.output_id for item in content.items] == ["o/images/0", "o/images/2"]
    assert "Held back, because their source could not be checked: 1" in content.plain
    assert "The engine could not be asked whether this is right." in content.plain


def test_a_confirmed_end_is_trusted() -> None:
    """Where the engine was asked, nobody is asked about its hosts."""
    content = notifications.end(
        a_generation(confirmed=True, ended_by="engine", outputs=(an_output(),)),
        trusted=nobody,
        translate=translate,
    )

    assert len(content.items) == 1


def test_a_success_without_outputs_says_so() -> None:
    """An empty success is no silence."""
    assert "The run made nothing that can be shown." in told(
        a_generation(outputs=(an_output(text="  "),))
    )


def test_a_short_text_stands_in_the_message() -> None:
    """A single short text needs no message of its own."""
    content = notifications.end(
        a_generation(outputs=(an_output(kind=OutputKind.TEXT, text="<4 words & more>"),)),
        trusted=everybody,
        translate=translate,
    )

    assert content.items == ()
    assert content.text.endswith("\n\n&lt;4 words &amp; more&gt;")


def test_a_long_text_is_an_item() -> None:
    """A text that would crowd the message is sent for itself."""
    content = notifications.end(
        a_generation(outputs=(an_output(kind=OutputKind.TEXT, text="x" * 5000),)),
        trusted=everybody,
        translate=translate,
    )

    assert [len(item.text or "") for item in content.items] == [5000]


def test_more_outputs_than_five_albums_are_counted() -> None:
    """No chat is flooded; what is left out is said."""
    content = notifications.end(
        a_generation(outputs=tuple(an_output(n) for n in range(60))),
        trusted=everybody,
        translate=translate,
    )

    assert len(content.items) == 50
    assert "Not sent here: 10 more" in content.plain


def test_file_names_are_harmless() -> None:
    """A name cannot leave its folder or its header, nor hide its extension."""
    content = notifications.end(
        a_generation(outputs=(an_output(filename='../a"\r\nX: y\u202egnp.exe'),)),
        trusted=everybody,
        translate=translate,
    )

    assert content.items[0].filename == ".._a__X_ ygnp.exe"


@pytest.mark.parametrize(
    ("inputs", "prompt"),
    [
        ({"prompt": "a"}, "a"),
        ({"negative_prompt": "ugly", "text": "b"}, "b"),
        ({"prompt": 3, "positive_prompt": "c"}, "c"),
        ({"user_Prompt_1": "d"}, "d"),
        ({"negative_prompt": "ugly", "seed": 1}, None),
        ({"prompt": " "}, None),
        ({"3/steps": 20, "6/text": "e"}, "e"),
        ({"6/text": "f", "7/text": "ugly"}, None),
        ({"7/text": "ugly", "6/Prompt": "g"}, "g"),
    ],
)
def test_prompt_of(inputs: dict[str, Any], prompt: str | None) -> None:
    """The prompt is what is named like one, never the negative one."""
    assert prompt == notifications.prompt_of(inputs)


def test_a_prompt_may_be_known_by_its_name() -> None:
    """Then nothing is guessed."""
    inputs: dict[str, Any] = {"prompt": "no", "7/text": "ugly", "6/text": "a lighthouse"}

    assert notifications.prompt_of(inputs, "6/text") == "a lighthouse"
    assert notifications.prompt_of(inputs, "8/text") is None


@pytest.mark.parametrize("prompt", ["\u202e", ""])
def test_a_prompt_of_nothing_is_left_out(prompt: str) -> None:
    """A prompt of invisible marks leaves no empty quotation."""
    assert "blockquote" not in shown_of(a_generation(inputs={"prompt": prompt}))


def test_a_running_status_shows_how_far_it_is() -> None:
    """The bar, the engine's own words and the time, with what was asked."""
    shown = shown_of(
        a_generation(
            status=RunStatus.RUNNING,
            progress=0.42,
            live_status="Sampling <2/4>",
            started_at=NOON,
            queue_position=1,
        ),
        now=NOON + timedelta(seconds=63),
    )

    assert shown == (
        "<b>🎨 Running</b>\n▰▰▰▰▱▱▱▱▱▱ 42 %\nSampling &lt;2/4&gt;\nrunning for 1 min 3 s"
        "\n<blockquote>a lighthouse</blockquote>"
    )


def test_a_waiting_status_shows_its_place() -> None:
    """In the queue there is no bar but a place."""
    shown = shown_of(a_generation(status=RunStatus.QUEUED, queue_position=3, language="ru"))

    assert shown.startswith("<b>⏳ В очереди</b>\nместо в очереди: 3")  # noqa: RUF001


@pytest.mark.parametrize(
    ("language", "seconds", "said"),
    [
        ("en", 118, "place 3 in the queue, about 2 min"),
        ("ru", 118, "место в очереди: 3, примерно 2 мин"),
        ("pt", 22, "lugar na fila: 3, cerca de 20 s"),
        ("en", 0, "place 3 in the queue"),
        ("en", None, "place 3 in the queue"),
    ],
)
def test_who_waits_for_a_server_learns_how_long(
    language: str, seconds: int | None, said: str
) -> None:
    """The place in the line, and about when it is reached, where that is known and to come."""
    expected = None if seconds is None else NOON + timedelta(seconds=seconds)
    waiting = a_generation(
        status=RunStatus.PENDING, queue_position=3, expected_start_at=expected, language=language
    )

    assert shown_of(waiting, now=NOON).splitlines()[1] == said


@pytest.mark.parametrize(
    ("language", "source", "said"),
    [
        ("en", "lost", "The server has lost this. Trying again: attempt 2 of 3."),
        ("en", "gone", "The server cannot be reached any more. Trying again: attempt 2 of 3."),
        ("en", "untaken", "The server did not take this. Trying again: attempt 2 of 3."),
        ("en", "failed", "The server could not finish this. Trying again: attempt 2 of 3."),
        ("ru", "lost", "Сервер потерял эту задачу. Пробуем ещё раз: попытка 2 из 3."),
        ("pt", "lost", "O servidor perdeu esta tarefa. Tentando de novo: tentativa 2 de 3."),
        ("en", "newer", "Trying again: attempt 2 of 3."),
    ],
)
def test_another_try_is_said_with_why(language: str, source: str, said: str) -> None:
    """From the moment it waits again until its end, which says its own."""
    again = StatusChange(status=RunStatus.PENDING, at=NOON, source=source)
    sent = StatusChange(status=RunStatus.QUEUED, at=NOON, source="submit")
    tried = a_generation(
        status=RunStatus.QUEUED,
        attempt=2,
        max_attempts=3,
        history=(again, sent),
        language=language,
    )

    assert shown_of(tried).splitlines()[1] == said
    assert said not in shown_of(tried.change(status=RunStatus.COMPLETED))
    assert "Trying again" not in shown_of(tried.change(attempt=1))


@pytest.mark.parametrize(
    ("reason", "language", "said"),
    [
        ("lost", "en", ["The engine knows nothing of this run any more."]),
        ("lost", "ru", ["Движок больше ничего не знает об этом запуске."]),  # noqa: RUF001
        ("lost", "pt", ["O motor não sabe mais nada desta execução."]),
        (
            "Allocation on device (in KSampler)",
            "en",
            [
                "There was not enough memory for this.",
                "The engine says: Allocation on device (in KSampler)",
            ],
        ),
        ("CUDA out of memory.", "ru", ["На это не хватило памяти."]),  # noqa: RUF001
        ("MemoryError", "pt", ["Não houve memória suficiente para isto."]),
    ],
)
def test_who_tried_in_vain_is_told_why(reason: str, language: str, said: list[str]) -> None:
    """What went wrong the last time, in the person's language, and how often it was tried."""
    ended = a_generation(
        status=RunStatus.FAILED, status_reason=reason, attempt=3, max_attempts=3, language=language
    )
    lines = told(ended).splitlines()
    tried = {"en": "It was tried 3 times.", "ru": "Сделаны 3 попытки."}

    assert lines[2 : 2 + len(said)] == said
    assert tried.get(language, "Foram feitas 3 tentativas.") in lines
    assert "It was tried" not in told(ended.change(attempt=1, max_attempts=1))


def test_a_wanted_cancel_shows() -> None:
    """Who has cancelled sees that it was heard."""
    shown = shown_of(a_generation(status=RunStatus.RUNNING, cancel_wanted=True))

    assert shown.startswith("<b>🎨 Being cancelled</b>")


def test_the_status_of_an_end_is_one_line() -> None:
    """Once it has ended, no bar remains."""
    shown = shown_of(a_generation(progress=1.0, started_at=NOON))

    assert shown == "<b>✅ Done</b>\n<blockquote>a lighthouse</blockquote>"


@pytest.mark.parametrize(
    ("progress", "drawn"),
    [
        (0.0, "▱▱▱▱▱▱▱▱▱▱ 0 %"),
        (0.999, "▰▰▰▰▰▰▰▰▰▱ 99 %"),
        (1.0, "▰▰▰▰▰▰▰▰▰▰ 100 %"),
    ],
)
def test_bar(progress: float, drawn: str) -> None:
    """The bar is full only when all is done."""
    assert drawn == notifications.bar(progress)


@given(
    prompt=st.text(max_size=3000),
    reason=st.text(max_size=900),
    status=st.sampled_from(sorted(RunStatus)),
    language=st.sampled_from(["en", "ru", "pt"]),
    pictured=st.booleans(),
    charged=st.sampled_from([None, "price", "estimated", "cancel_fee", "reserved"]),
)
def test_case_51_whatever_it_holds_an_end_fits(
    *,
    prompt: str,
    reason: str,
    status: RunStatus,
    language: str,
    pictured: bool,
    charged: str | None,
) -> None:
    """No prompt and no reason breaks a limit or the markup, in any language."""
    generation = a_generation(
        inputs={"prompt": prompt},
        status=status,
        status_reason=reason,
        language=language,
        ended_by="us",
        confirmed=False,
        duration_seconds=3.0,
        cost_reason="no_duration",
        outputs=(an_output(), an_output(1, text="y" * 7000)) if pictured else (),
    )
    price = Decimal("123456789012.123456")
    charge = Charge(price=price, reason=charged, held=2 * price) if charged else None
    content = notifications.end(generation, trusted=everybody, translate=translate, charge=charge)
    limit = markup.CAPTION_LIMIT if content.items else markup.TEXT_LIMIT

    assert read(content.text) == content.plain
    assert 0 < markup.units(content.plain) <= limit
    assert markup.units(read(shown_of(generation))) <= markup.TEXT_LIMIT


def test_an_output_brings_the_link_to_its_copy() -> None:
    """Where there is one; it is asked for of each output that is sent."""
    generation = a_generation(outputs=(an_output(1, key="outputs/x"), an_output(2)))
    content = notifications.end(
        generation, trusted=everybody, translate=translate, linked=lambda each: each.key
    )

    assert [each.link for each in content.items] == ["outputs/x", None]


def test_a_file_that_came_within_its_address_is_sent_from_its_copy() -> None:
    """Before there is one, from the record; afterwards nothing is left there."""
    within = an_output(1, url="data:image/png;base64,AAAA")
    copied = an_output(2, url="data:image/png;base64,", key="outputs/x")
    content = notifications.end(
        a_generation(outputs=(within, copied)),
        trusted=everybody,
        translate=translate,
        linked=lambda each: each.key,
    )

    assert [each.url for each in content.items] == [within.url, "outputs/x"]


JOB = "1" * 32


def pressed(rows: Rows) -> list[str]:
    """Return what the buttons do."""
    return [each.data for row in rows for each in row]


@pytest.mark.parametrize(
    ("fields", "carried"),
    [
        ({"job_id": JOB}, [f"c:{JOB}"]),
        ({"job_id": JOB, "cancel_wanted": True}, []),
        ({"job_id": JOB, "status": RunStatus.COMPLETED}, []),
        ({}, []),
    ],
)
def test_a_job_can_be_cancelled_while_it_runs(fields: dict[str, Any], carried: list[str]) -> None:
    """Once, and not when it has ended; what is no job has no buttons."""
    given: dict[str, Any] = {"status": RunStatus.RUNNING, **fields}
    generation = a_generation(**given)

    shown = notifications.status_message(generation, translate=translate)

    assert pressed(shown.rows) == carried


@pytest.mark.parametrize(
    ("output", "owed", "original"),
    [
        ({"key": "outputs/x"}, (), True),
        ({}, (Debt(key="keep", kind=DebtKind.KEEP, next_at=NOON),), True),
        ({"not_kept": "gone"}, (Debt(key="keep", kind=DebtKind.KEEP, next_at=NOON),), False),
        ({"text": "hi"}, (Debt(key="keep", kind=DebtKind.KEEP, next_at=NOON),), False),
        ({}, (), False),
    ],
)
def test_the_original_is_offered_where_there_is_or_will_be_one(
    output: dict[str, Any], owed: tuple[Debt, ...], *, original: bool
) -> None:
    """The end is often told while its copies are still being made."""
    generation = a_generation(job_id=JOB, outputs=(an_output(**output),), owed=owed)

    content = notifications.end(generation, trusted=everybody, translate=translate)

    assert (f"o:{JOB}" in pressed(content.rows)) == original
    assert pressed(content.rows)[0] == f"a:{JOB}"
    assert content.rows_text == "What next?"


def test_what_is_no_job_ends_without_buttons() -> None:
    """There is nothing to order again."""
    content = notifications.end(
        a_generation(outputs=(an_output(key="k"),)), trusted=everybody, translate=translate
    )

    assert (content.rows, content.rows_text) == ((), "")


def test_who_pays_is_told_the_price_and_not_our_cost() -> None:
    """In credits, with how long it took."""
    content = notifications.end(
        a_generation(
            job_id=JOB,
            duration_seconds=11.94,
            cost_usd=Decimal("0.004044"),
            ended_by="engine",
            outputs=(an_output(),),
        ),
        trusted=everybody,
        translate=translate,
        charge=Charge(price=Decimal(3), reason="price", held=Decimal(3)),
    )

    assert content.plain == "✅ Done\na lighthouse\nTime: 11.9 s\nPrice: 3 credits"


def test_every_status_and_reason_has_words() -> None:
    """No status is left unsaid."""
    assert set(endings.STATUSES) == set(RunStatus)
    assert set(endings.RETRIES) == set(Retry)
