"""app.web.presets: what can be ordered, in the language of whoever asks."""

from decimal import Decimal
from typing import Any

import pytest

from app.errors import StoreDownError
from schemas.preset import ChainStep, Choice, ChoiceInput, CostPrice, FixedHold
from tests.app.web.fakes import World
from tests.app.web.serving import serving
from tests.builders import a_chain_preset, a_preset, a_prompt, some_steps, titled
from tests.fakes.gates import Turnstile
from tests.fakes.presets import FakePresets

pytestmark = pytest.mark.anyio

PATH = "/api/presets"
SIZE = ChoiceInput(
    name="size",
    type="choice",
    titles=titled("Size", pt="Tamanho"),
    choices=(
        Choice(value="wide", titles=titled("Wide", pt="Largo")),
        Choice(value=2, titles=titled("Two")),
    ),
)
BY_COST = CostPrice(
    kind="cost", factor=Decimal("1.5"), hold=FixedHold(kind="fixed", credits=Decimal(7))
)


def a_world(gate: Turnstile | None = None) -> World:
    """Two presets that are active and one that is not."""
    presets = FakePresets(
        a_preset("b", a_prompt(), some_steps(), SIZE, price=BY_COST, allowed=("member",)),
        a_preset("a"),
        a_preset("idle", active=False),
        gate=gate or Turnstile(),
    )
    return World(presets=presets)


async def test_active_presets_are_listed_by_name() -> None:
    """With what they take and what they cost; nothing of what is between us and the engine."""
    async with serving(a_world()) as site:
        answer = await site.client.get(PATH)

    a, b = answer.json()["items"]
    assert answer.status_code == 200
    assert a == {
        "name": "a",
        "title": "Picture",
        "help": "Describe it.",
        "engine": "comfydeploy",
        "inputs": [
            {
                "name": "prompt",
                "title": "Prompt",
                "type": "text",
                "required": True,
                "default": None,
                "bounds": {"min": None, "max": None, "minLength": 1, "maxLength": 500},
                "choices": [],
            },
            {
                "name": "steps",
                "title": "Steps",
                "type": "integer",
                "required": False,
                "default": 20,
                "bounds": {"min": 1, "max": 50, "minLength": None, "maxLength": None},
                "choices": [],
            },
        ],
        "price": {"kind": "fixed", "credits": "5"},
        "steps": [],
        "sum": None,
        "cancelFee": "none",
        "timeLimit": 1800,
        "active": True,
        "allowed": "all",
        "version": 1,
        "updatedAt": "2026-01-01T12:00:00.000Z",
    }
    assert (b["name"], b["allowed"]) == ("b", ["member"])
    assert b["price"]["hold"] == {"kind": "fixed", "credits": "7"}
    assert b["inputs"][2]["choices"] == [
        {"value": "wide", "title": "Wide"},
        {"value": 2, "title": "Two"},
    ]


@pytest.mark.parametrize(
    ("query", "header", "language", "title"),
    [
        ("", "", "en", "Picture"),
        ("", "pt-BR,pt;q=0.9", "pt", "Imagem"),
        ("?language=ru", "pt", "ru", "Картинка"),
        ("?language=ja", "pt", "en", "Picture"),
        ("?language=pt-PT", "en", "pt", "Imagem"),
    ],
)
async def test_titles_are_in_the_language_asked_for(
    query: str, header: str, language: str, title: str
) -> None:
    """The one that is named goes before the one that is liked."""
    async with serving(a_world()) as site:
        answers = [
            await site.client.get(f"{path}{query}", headers={"Accept-Language": header})
            for path in (PATH, f"{PATH}/a")
        ]

    shown: list[dict[str, Any]] = [answers[0].json()["items"][0], answers[1].json()]
    assert [each["title"] for each in shown] == [title, title]
    for answer in answers:
        assert answer.headers["content-language"] == language
        assert answer.headers["vary"] == "Accept-Language"


async def test_one_preset_is_read_active_or_not() -> None:
    """And one that there is not is not found."""
    async with serving(a_world()) as site:
        idle = await site.client.get(f"{PATH}/idle")
        missing = [await site.client.get(f"{PATH}/{name}") for name in ("nothing", "%00", "$ne")]

    assert (idle.status_code, idle.json()["active"]) == (200, False)
    assert [each.status_code for each in missing] == [404, 404, 404]
    assert missing[0].json()["detail"] == "no such preset"


@pytest.mark.parametrize("query", ["?language=x", "?lang=ru", "?language=ru&language=pt"])
async def test_what_cannot_be_asked_is_refused(query: str) -> None:
    """By name."""
    async with serving(a_world()) as site:
        answer = await site.client.get(f"{PATH}{query}")

    assert answer.status_code == 400


async def test_nobody_without_a_key_sees_presets_and_nobody_while_the_database_is_away() -> None:
    """Prices are between us and those we know."""
    gate = Turnstile([StoreDownError("away")])
    async with serving(a_world(gate)) as site:
        stranger = await site.client.get(PATH, headers={"Authorization": ""})
        away = await site.client.get(PATH)

    assert (stranger.status_code, away.status_code) == (401, 503)
    assert "retry-after" in away.headers


async def test_a_preset_of_others_shows_what_they_come_to() -> None:
    """The sum of all their runs; of single presets the price says enough."""
    steps = (
        ChainStep(preset="a", asked={"prompt": "words"}),
        ChainStep(preset="a", inputs={"prompt": "a boat"}, over={"steps": (10, 20, 30)}),
    )
    both = a_chain_preset("both", *steps)
    world = World(presets=FakePresets(a_preset("a"), both))
    async with serving(world) as site:
        told = (await site.client.get(f"{PATH}/both")).json()

    assert (told["engine"], told["price"]) == ("chain", {"kind": "steps"})
    assert told["steps"] == ["a", "a"]
    assert told["sum"] == {"price": "20", "exact": True, "held": "20"}
