"""app.telegram.conversation.preset_views: what people read of presets."""

# A minus is no hyphen.

from decimal import Decimal

import pytest

from app.telegram.conversation import preset_views
from app.telegram.conversation.layout import page
from app.telegram.conversation.preset_views import Offer
from app.usecases.orders import Quote
from app.usecases.prices import Tag
from schemas.preset import (
    BooleanInput,
    Choice,
    ChoiceInput,
    ImageInput,
    Input,
    IntegerInput,
    NumberInput,
    TextInput,
    Titles,
)
from tests.builders import a_preset
from tests.speech import ENGLISH, PORTUGUESE, RUSSIAN

FIVE = Tag(Decimal(5), exact=True, held=Decimal(5))
ABOUT = Tag(Decimal("2.456"), exact=False, held=Decimal("4.9"))
UNKNOWN = Tag(None, exact=False, held=Decimal(10))
TITLE = Titles(en="Thing")
SHAPE = ChoiceInput(
    name="shape",
    type="choice",
    titles=TITLE,
    choices=(Choice(value="a", titles=Titles(en="A")), Choice(value=2, titles=Titles(en="Two"))),
)


def of_number(**bounds: float) -> NumberInput:
    """A number with these bounds."""
    return NumberInput.model_validate(
        {"name": "scale", "type": "number", "titles": {"en": "Scale"}, **bounds}
    )


def offers(number: int) -> list[Offer]:
    """So many presets."""
    return [Offer(a_preset(f"p{each:02}"), FIVE) for each in range(number)]


@pytest.mark.parametrize(
    ("tag", "said", "short"),
    [
        (FIVE, "Price: 5 credits", "Picture · 5"),
        (
            ABOUT,
            "Price: about 2.456 credits, estimated from the last runs; at most 4.9 credits",
            "Picture · ≈ 2.46",
        ),
        (
            UNKNOWN,
            "Price: by what it takes; 10 credits are set aside until it is done",
            "Picture · ≈ 10",
        ),
    ],
)
def test_a_price_is_told_for_what_it_is(tag: Tag, said: str, short: str) -> None:
    """Exact, an estimate, or not known yet; short on a button."""
    (row,) = preset_views.buttons_of(ENGLISH, [Offer(a_preset(), tag)])

    assert preset_views.price(ENGLISH, tag) == said
    assert row[0].text == short


@pytest.mark.parametrize(
    ("number", "turns"),
    [(0, ["m:1"]), (1, ["m:0", "m:2"]), (2, ["m:1"]), (99, ["m:1"]), (-1, ["m:1"])],
)
def test_many_presets_have_pages(number: int, turns: list[str]) -> None:
    """Eight on each, with the way to its neighbours; beyond the last is the last."""
    rows = preset_views.buttons_of(ENGLISH, offers(20), number)

    assert [each.data for each in rows[-1]] == turns
    assert all(len(row) == 1 for row in rows[:-1])


def test_all_presets_at_once() -> None:
    """Without pages there are as many as a message takes."""
    assert len(preset_views.buttons_of(ENGLISH, offers(120), None)) == 90


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (of_number(min=1, max=12.5), "scale: Scale (from 1 to 12.5)"),
        (of_number(min=1), "scale: Scale (at least 1)"),
        (of_number(max=3, default=2), "scale: Scale (at most 3, usually 2.0)"),
        (of_number(), "scale: Scale"),
        (SHAPE, "shape: Thing (a / 2)"),
        (
            BooleanInput(name="faces", type="boolean", titles=TITLE, default=False),
            "faces: Thing (yes or no, usually No)",
        ),
        (
            TextInput(name="avoid", type="text", titles=TITLE, most=50),
            "avoid: Thing (up to 50 characters)",
        ),
        (
            IntegerInput(name="seed", type="integer", titles=TITLE, required=True),
            "seed: Thing (needed)",
        ),
    ],
)
def test_a_card_tells_each_input(asked: Input, said: str) -> None:
    """With its bounds, its choices and its default; the prompt and pictures explain themselves."""
    prompt = TextInput(name="prompt", type="text", titles=TITLE, required=True)
    image = ImageInput(name="image", type="image", titles=TITLE)
    offer = Offer(a_preset("p", image, prompt, asked), FIVE)
    text = page(*preset_views.card(ENGLISH, offer))

    assert f"\n• {said}\n" in text
    assert text.startswith("<b>Picture</b>\nDescribe it.")
    assert text.endswith("<code>/p a lighthouse at dusk</code>")


@pytest.mark.parametrize(
    ("asked", "example"),
    [
        (of_number(min=1, max=12.5), "--scale 12.5"),
        (of_number(), "--scale 7"),
        (SHAPE, "--shape 2"),
        (BooleanInput(name="faces", type="boolean", titles=TITLE), "--faces yes"),
    ],
)
def test_a_card_gives_an_example(asked: Input, example: str) -> None:
    """Of how the first of its inputs is set."""
    text = page(*preset_views.card(ENGLISH, Offer(a_preset("p", asked), FIVE)))

    assert f"for example {example}:" in text
    assert text.endswith("<code>/p</code>")


def test_a_text_that_is_no_prompt() -> None:
    """Its own title stands for it, and another text has an example of its own."""
    texts = [TextInput(name=name, type="text", titles=TITLE) for name in ("lyrics", "style")]
    text = page(*preset_views.card(ENGLISH, Offer(a_preset("p", *texts), FIVE)))

    assert text.endswith("<code>/p thing</code>")
    assert "--style &quot;...&quot;" in text


def test_questions() -> None:
    """Each asks for what it wants, with buttons where answers can be counted."""
    image = ImageInput(name="image", type="image", titles=TITLE)
    faces = BooleanInput(name="faces", type="boolean", titles=TITLE)

    assert preset_views.question(ENGLISH, image) == "Send a picture: Thing"
    assert preset_views.question(RUSSIAN, SHAPE) == "Какое значение? Thing (a / 2)"
    assert preset_views.answers(ENGLISH, image) == ()
    assert [row[0].text for row in preset_views.answers(PORTUGUESE, faces)] == ["Sim", "Não"]
    assert [row[0].data for row in preset_views.answers(ENGLISH, SHAPE)] == ["n:0", "n:1"]


def test_an_order_says_what_is_left() -> None:
    """At an estimate, until the rest comes back."""
    quote = Quote(
        preset=a_preset(),
        price=Decimal(5),
        exact=True,
        held=Decimal(5),
        balance=Decimal(100),
        missing=Decimal(0),
    )
    about = quote._replace(exact=False, held=Decimal(8))

    assert preset_views.ordered(RUSSIAN, quote) == (
        "<b>Картинка:</b> 5 кредитов (останется: 95 кредитов)"
    )
    assert preset_views.ordered(ENGLISH, about) == (
        "<b>Picture:</b> about 5 credits; 8 credits are set aside, and what is left over comes back"
        " (balance until then: 92 credits)"
    )
