"""schemas.wire.api: a caller's words are taken whole, or refused by name."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.wire.api import (
    INPUTS_MOST,
    CreateHeaders,
    GenerationQuery,
    NewGeneration,
    Update,
    UpdateHeaders,
    WebhookQuery,
)
from tests.builders import ID

REPLICATE: dict[str, object] = {"engine": "replicate", "deployment_id": None}
ORDER: dict[str, Any] = {"engine": "comfydeploy", "deployment_id": "d-1"}


def order(**fields: object) -> NewGeneration:
    """An order that is right but for `fields`, as its JSON is read."""
    return NewGeneration.model_validate(ORDER | fields)


def fault(**fields: object) -> str:
    """Where the first fault of an order lies."""
    with pytest.raises(ValidationError) as refused:
        order(**fields)
    return ".".join(str(part) for part in refused.value.errors()[0]["loc"])


@pytest.mark.parametrize(
    "value", ["text", "", 1, -(2**63) + 1, 2**63 - 1, 0.5, True, [], [1, ["a", {"b": [None]}]]]
)
def test_an_input_is_what_comfydeploy_takes(value: object) -> None:
    """A text, a number, a truth value or a list."""
    assert order(inputs={"prompt": value}).inputs == {"prompt": value}


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"a": 1},
        2**63,
        -(2**63),
        1e300,
        float("nan"),
        float("inf"),
        [float("nan")],
        [[[2**64]]],
        [{"$ne": 1}],
        [{"a.b": 1}],
        [{"": 1}],
        [{"a\0": 1}],
        [{"k" * 129: 1}],
        [{"a": [{"$where": 1}]}],
        "x" * INPUTS_MOST,
    ],
    ids=lambda value: repr(value)[:30],
)
def test_an_input_that_cannot_be_stored_is_refused(value: object) -> None:
    """However deep it lies."""
    assert fault(inputs={"prompt": value}).startswith("inputs")


@pytest.mark.parametrize("key", ["", "$where", "a.b", "a\0", "k" * 129])
def test_an_input_has_a_name_that_can_be_stored(key: str) -> None:
    """No NUL and no dot, not beginning with a dollar, up to 128 characters."""
    assert fault(inputs={key: 1}).startswith("inputs")
    assert order(inputs={"a$ b": 1}).inputs == {"a$ b": 1}


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"engine": "Comfy Deploy"}, "engine"),
        ({"deployment_id": "../admin"}, "deployment_id"),
        ({"deployment_id": ""}, "deployment_id"),
        ({"deployment_id": None}, "deployment_id"),
        ({"workflow": {"1": {}}}, "workflow"),
        ({"engine": "comfyui", "workflow": {}}, "deployment_id"),
        ({"engine": "comfyui", "deployment_id": None}, "workflow"),
        ({"engine": "comfyui", "deployment_id": None, "workflow": "F" * 64}, "workflow"),
        ({"engine": "comfyui", "deployment_id": None, "workflow": ["f" * 64]}, "workflow"),
        ({"maxAttempts": 2}, "maxAttempts"),
        ({"maxAttempts": 11}, "maxAttempts"),
        ({"priority": 1}, "priority"),
        ({"priority": 11}, "priority"),
        ({"version": "0f" * 32}, "version"),
        ({"model": "a/b"}, "model"),
        ({"deployment": "a/b"}, "deployment"),
        ({"engine": "replicate", "model": "a/b"}, "deployment_id"),
        (REPLICATE, ""),
        (REPLICATE | {"model": "a/b", "deployment": "a/b"}, ""),
        (REPLICATE | {"model": "../b"}, "model"),
        (REPLICATE | {"version": "0f"}, "version"),
        (REPLICATE | {"model": "a/b", "priority": 1}, "priority"),
        ({"input": {}}, "input"),
        ({"metadata": {"telegramChatId": "4711"}}, "metadata.telegramChatId"),
        ({"metadata": {"telegramChatId": 2**63}}, "metadata.telegramChatId"),
        ({"metadata": {"telegram_chat_id": 1}}, "metadata.telegram_chat_id"),
        ({"metadata": {"language": "english!"}}, "metadata.language"),
        ({"metadata": {"labels": {"a.b": "x"}}}, "metadata.labels.a.b.[key]"),
        ({"metadata": {"labels": {"a": "x" * 257}}}, "metadata.labels.a"),
        ({"metadata": {"labels": {str(n): "x" for n in range(17)}}}, "metadata.labels"),
        ({"metadata": {"preset": "a\nb"}}, "metadata.preset"),
        ({"metadata": {"run_id": "r"}}, "metadata.run_id"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, object], where: str) -> None:
    """A misspelt field that is passed over is an order carried out otherwise."""
    assert fault(**fields) == where


@pytest.mark.parametrize("workflow", [{"1": {"class_type": "EmptyImage"}}, "0f" * 32])
def test_comfyui_is_given_a_workflow(workflow: object) -> None:
    """The graph itself, or the name of a stored one; it may be tried three times."""
    taken = order(engine="comfyui", deployment_id=None, workflow=workflow, priority=-10)

    assert (taken.workflow, taken.priority, taken.tries) == (workflow, -10, 3)


@pytest.mark.parametrize(
    "target",
    [
        {"version": "0f" * 32},
        {"version": f"owner/name:{'0f' * 32}"},
        {"model": "Owner/name-1.5"},
        {"deployment": "owner/name"},
    ],
)
def test_replicate_is_told_a_model_in_one_of_three_ways(target: dict[str, str]) -> None:
    """It may be tried three times, as what it made may be lost."""
    taken = order(**REPLICATE, **target)

    assert taken.model_dump(include={"version", "model", "deployment"}, exclude_none=True) == target
    assert taken.tries == 3
    assert order(**REPLICATE, **target, maxAttempts=1).tries == 1


def test_only_some_runs_are_tried_again() -> None:
    """As often as is said; ComfyDeploy's are not."""
    asked = {"engine": "comfyui", "deployment_id": None, "workflow": "0f" * 32}

    assert order(**asked, maxAttempts=10).tries == 10
    assert order().tries == 1


def test_a_label_is_small() -> None:
    """16 of them, each up to 256 characters."""
    labels = {str(number): "x" * 256 for number in range(16)}

    assert order(metadata={"labels": labels}).metadata.labels == labels


@pytest.mark.parametrize("text", ["+5", "1_000", "5.0", " 5", "0x5", "", "\u0665", "9" * 20])
def test_an_integer_is_written_plainly(text: str) -> None:
    """The other ways to write one are refused."""
    for name in ("limit", "metadata.telegramChatId"):
        with pytest.raises(ValidationError):
            GenerationQuery.model_validate({name: text})


def test_a_query_gives_its_filters_by_stored_names() -> None:
    """Only those that were given; not where to begin, nor how many."""
    query = GenerationQuery.model_validate(
        {
            "metadata.run_id": "run-1",
            "metadata.telegramChatId": "-100123",
            "status": "failed",
            "limit": "200",
            "cursor": "abc",
        }
    )

    assert query.wanted() == {
        "metadata.run_id": "run-1",
        "metadata.telegramChatId": -100123,
        "status": "failed",
    }
    assert (query.limit, query.cursor) == (200, "abc")
    assert GenerationQuery().wanted() == {}
    assert GenerationQuery(limit=7).limit == 7


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "201"},
        {"status": "success"},
        {"metadata.run_id[$ne]": "x"},
        {"metadata.run_id": "$ne"},
        {"metadata.run_id": {"$ne": None}},
        {"cursor": "a b"},
        {"owed": "x"},
    ],
    ids=str,
)
def test_a_query_takes_a_fixed_set_of_names(query: dict[str, object]) -> None:
    """And plain texts for their values."""
    with pytest.raises(ValidationError):
        GenerationQuery.model_validate(query)


@pytest.mark.parametrize(
    ("header", "version"),
    [(None, None), ("*", None), ('"3"', 3), ('"' + "9" * 18 + '"', int("9" * 18))],
)
def test_a_version_is_named_as_its_etag(header: str | None, version: int | None) -> None:
    """Or any will do."""
    assert UpdateHeaders.model_validate({"If-Match": header}).version() == version


@pytest.mark.parametrize("header", ["3", 'W/"3"', '"3", "4"', '""', '"x"'])
def test_no_other_etag_is_ours(header: str) -> None:
    """A weak one and a list are refused."""
    with pytest.raises(ValidationError):
        UpdateHeaders.model_validate({"If-Match": header})


@pytest.mark.parametrize("key", ["", " a", "a ", "é", "a\n", "x" * 256])
def test_an_idempotency_key_is_printable_ascii(key: str) -> None:
    """1 to 255 characters, no space around them."""
    with pytest.raises(ValidationError):
        CreateHeaders.model_validate({"Idempotency-Key": key})
    good = CreateHeaders.model_validate({"Idempotency-Key": "x" * 255})
    assert good.idempotency_key == "x" * 255


def test_an_update_keeps_its_words_to_be_checked() -> None:
    """Operators by their own names, the rest as it was said."""
    update = Update.model_validate({"$set": {"a": "b"}, "$unset": {"c": ""}, "d": "e"})

    assert (update.to_set, update.to_unset) == ({"a": "b"}, {"c": ""})
    assert update.model_extra == {"d": "e"}


def test_a_webhook_passes_over_what_else_its_url_carries() -> None:
    """A proxy or the sender may add to it."""
    query = WebhookQuery.model_validate({"generation": ID, "token": "t", "utm_source": "x"})

    assert (query.generation, query.token) == (ID, "t")


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=8,
        ),
    )
)
def test_any_inputs_are_taken_or_refused(inputs: dict[str, object]) -> None:
    """Nothing else is raised."""
    try:
        taken = order(inputs=inputs)
    except ValidationError:
        return
    assert taken.inputs == inputs


def test_numbers_of_an_ordinary_size_are_taken_as_they_are() -> None:
    """At the top, and inside a list."""
    inputs = {"seed": 42, "strengths": [1, 0.65]}

    assert order(inputs=inputs).inputs == inputs
