"""notifications.steps: one status for a job with several runs, and each step that is done."""

from typing import Final

from processors import notifications
from processors.notifications import Content, StatusMessage, steps
from processors.notifications.markup import stripped
from schemas.generation import Generation
from schemas.job import Job, JobChat, Pause
from schemas.run import RunStatus
from tests.builders import (
    CHAT,
    JOB,
    NOON,
    a_chain,
    an_outcome,
    come_to,
    its_generations,
    its_id,
    later,
)
from tests.speech import translate

TITLES: Final = {"jacket": "Jacket"}
COMPLETED, RUNNING = RunStatus.COMPLETED, RunStatus.RUNNING
WAITS: Final = (
    "It goes on when you say so. At 2026-01-02 12:00 UTC it ends here, and the rest is returned."
)
PAUSE: Final = Pause(step=1, at=NOON, until=later(86_400))


def shown(job: Job, *statuses: RunStatus) -> StatusMessage:
    """The status message of a chain whose generations stand so."""
    made = its_generations(job, *statuses)
    return steps.status_message(job, made, titles=TITLES, now=later(90), translate=translate)


def lines(message: StatusMessage) -> list[str]:
    """What a person reads of it, line by line."""
    return stripped(message.text).splitlines()


def told(job: Job, *statuses: RunStatus, number: int = 1) -> Content:
    """How a step of such a chain is told."""
    made = its_generations(job, *statuses)
    return steps.done(job, number, made, trusted=_everybody, titles=TITLES, translate=translate)


def pressed(message: StatusMessage | Content) -> list[str]:
    """What its buttons carry."""
    return [button.data for row in message.rows for button in row]


def _everybody(generation: Generation) -> notifications.Trusted:
    del generation
    return lambda _: True


def test_the_status_says_which_step_runs_and_what_is_done() -> None:
    """With its title, what the step's own status would say, and a button to cancel."""
    job = a_chain()
    made = its_generations(job, COMPLETED, RUNNING)
    running = made[its_id(2)].change(progress=0.42, live_status="sampling", started_at=NOON)
    made[running.id] = running
    message = steps.status_message(job, made, titles=TITLES, now=later(90), translate=translate)

    assert lines(message) == [
        "🎨 Step 2 of 3: Jacket",
        "Running",
        "▰▰▰▰▱▱▱▱▱▱ 42 %",
        "sampling",
        "running for 1 min 30 s",
        "Done: step 1",
        "a lighthouse at dusk",
    ]
    assert pressed(message) == [f"c:{JOB}"]


def test_before_anything_is_made_the_first_step_is_accepted() -> None:
    """A preset that is gone is called by its name."""
    message = steps.status_message(a_chain(), {}, titles={}, now=NOON, translate=translate)

    assert lines(message) == ["⏳ Step 1 of 3: jacket", "Accepted"]


def test_a_step_that_is_made_several_times_says_how_many_are_done() -> None:
    """Its bar is that of all of them; where there is no other step, none is counted."""
    assert lines(shown(a_chain(4), COMPLETED, COMPLETED, COMPLETED, RUNNING)) == [
        "🎨 Running",
        "3 of 4 made",
        "▰▰▰▰▰▰▰▱▱▱ 75 %",
        "a lighthouse at dusk",
    ]
    assert lines(shown(a_chain(2, 1), COMPLETED, RUNNING))[:3] == [
        "🎨 Step 1 of 2: Jacket",
        "Running",
        "1 of 2 made",
    ]


def test_steps_that_run_at_once_are_all_shown() -> None:
    """One below the other."""
    assert [each for each in lines(shown(a_chain(), RUNNING, RUNNING)) if "Step" in each] == [
        "🎨 Step 1 of 3: Jacket",
        "🎨 Step 2 of 3: Jacket",
    ]


def test_a_job_that_is_being_cancelled_has_no_button_for_it() -> None:
    """Nor does it wait for a word to go on."""
    message = shown(a_chain(cancel_wanted=True, pause=PAUSE), COMPLETED)

    assert lines(message)[:2] == ["⏳ Step 2 of 3: Jacket", "Being cancelled"]
    assert message.rows == ()


def test_a_job_that_waits_says_so_and_until_when() -> None:
    """It can be cancelled meanwhile."""
    message = shown(a_chain(pause=PAUSE), COMPLETED)

    assert lines(message)[:2] == [
        "⏸ Step 1 of 3 is done: Jacket",
        WAITS,
    ]
    assert pressed(message) == [f"c:{JOB}"]


def test_between_the_last_end_and_its_settling_nothing_is_left_to_show() -> None:
    """Words, all the same."""
    assert "Done: steps 1-3" in lines(shown(a_chain(), COMPLETED, COMPLETED, COMPLETED))


def test_steps_are_counted_from_the_first_order_on() -> None:
    """Where a step was retried, its person goes on counting."""
    message = shown(a_chain(1, 1, first=2), COMPLETED, RUNNING)

    assert lines(message)[0] == "🎨 Step 3 of 3: Jacket"
    assert "Done: step 2" in lines(message)


def test_a_step_that_is_done_is_told_with_what_it_made() -> None:
    """And with what was charged so far; nothing is to be decided."""
    content = told(come_to(a_chain(), an_outcome()), COMPLETED)

    assert content.plain == "✅ Step 1 of 3 is done: Jacket\nCharged so far: 5 credits"
    assert [item.output_id for item in content.items] == ["1-1/images/0"]
    assert content.rows == ()


def test_a_job_that_waits_after_a_step_asks_whether_to_go_on() -> None:
    """Continue, Retry this step, Stop here; under the pictures of several items as well."""
    job = come_to(a_chain(2, 1, pause=PAUSE), an_outcome(), an_outcome())
    content = told(job, COMPLETED, COMPLETED)

    assert pressed(content) == [f"g:{JOB}:1", f"r:{JOB}:1", f"s:{JOB}:1"]
    assert "until" not in content.plain
    assert "At 2026-01-02 12:00 UTC it ends here" in content.plain
    assert len(content.items) == 2
    assert content.rows_text == "What next?"


def test_a_step_that_made_nothing_is_not_told_as_done() -> None:
    """Its person is asked all the same: what follows may do without it."""
    job = come_to(a_chain(pause=PAUSE), an_outcome(RunStatus.FAILED))
    content = told(job, RunStatus.FAILED)

    assert content.plain.startswith("❌ Step 1 of 3 failed\n")
    assert pressed(content) == [f"g:{JOB}:1", f"r:{JOB}:1", f"s:{JOB}:1"]


def test_news_of_a_step_that_are_stale_bring_its_pictures_alone() -> None:
    """Where the job has gone on, is being cancelled, or waits after another step."""
    chain = come_to(a_chain(), an_outcome())
    for job in (
        chain.change(pause=PAUSE.change(step=2)),
        chain.change(pause=PAUSE, cancel_wanted=True),
        chain.change(pause=PAUSE, status="cancelled"),
    ):
        content = told(job, COMPLETED)

        assert (content.rows, len(content.items)) == ((), 1)


def test_a_step_of_which_some_items_are_missing_says_how_many() -> None:
    """What there is, is told."""
    job = come_to(a_chain(2, 1), an_outcome(), an_outcome(RunStatus.FAILED))
    content = told(job, COMPLETED, RunStatus.FAILED)

    assert "1 of 2 made" in content.plain
    assert len(content.items) == 1


def test_it_is_said_in_the_language_of_the_chat() -> None:
    """In all of the three."""
    for language, said in (("ru", "Шаг 1 из 3"), ("pt", "O passo 1 de 3")):
        chat = JobChat(telegram_chat_id=CHAT, language=language)

        assert said in told(come_to(a_chain(chat=chat), an_outcome()), COMPLETED).plain
