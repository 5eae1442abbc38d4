"""What people read of presets: a list of buttons, and each of them with its inputs and price."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from app.telegram.conversation.layout import button, head, page, stacked
from app.usecases.orders import Quote
from app.usecases.prices import Tag
from processors.notifications.buttons import Button, Press, Rows
from processors.notifications.markup import Piece
from processors.notifications.texts import Language, Voice, in_credits, pointed
from processors.presets import inputs, writing
from schemas.preset import (
    BooleanInput,
    ChoiceInput,
    ImageInput,
    Input,
    IntegerInput,
    NumberInput,
    Preset,
    TextInput,
)

PAGE: Final = 8
"""Presets on one page."""
MOST: Final = 90
"""Presets in one message: of buttons it takes about a hundred."""


class Offer(NamedTuple):
    """A preset and what stands on it."""

    preset: Preset
    tag: Tag


def buttons_of(voice: Voice, offers: Sequence[Offer], number: int | None = 0) -> Rows:
    """Return a page of presets to choose from, and the way to the others.

    Args:
        voice: Theirs.
        offers: All of them.
        number: Which page, from 0; None for one with as many as a message takes.
    """
    if number is None:
        return stacked([_choice(voice, offer) for offer in offers[:MOST]])
    pages = max((len(offers) + PAGE - 1) // PAGE, 1)
    number = min(max(number, 0), pages - 1)
    shown = offers[number * PAGE : (number + 1) * PAGE]
    rows = stacked([_choice(voice, offer) for offer in shown])
    turns = (
        *((button("◀️", Press.HOME, str(number - 1)),) if number else ()),
        *((button("▶️", Press.HOME, str(number + 1)),) if number + 1 < pages else ()),
    )
    return (*rows, turns) if turns else rows


def price(voice: Voice, tag: Tag) -> str:
    """Say in one line what a preset costs."""
    if tag.price is None:
        return voice.say(
            "Price: by what it takes; {credits} are set aside until it is done",
            credits=in_credits(voice, tag.held),
        )
    if tag.exact:
        return voice.say("Price: {credits}", credits=in_credits(voice, tag.price))
    return voice.say(
        "Price: about {credits}, estimated from the last runs; at most {held}",
        credits=in_credits(voice, tag.price),
        held=in_credits(voice, tag.held),
    )


def card(voice: Voice, offer: Offer) -> tuple[Piece | str, ...]:
    """Return what a person should know of a preset."""
    preset, language = offer.preset, voice.language.value
    title = head(preset.titles.of(language))
    text = writing.main(preset)
    words = "" if text is None else f" {_example(voice, text)}"
    options = [each for each in preset.inputs if _optional(preset, each)]
    lines = [f"\n• {_line(voice, each)}" for each in options]
    how = voice.say("What can be set, for example {example}:", example=_setting(options))
    return (
        title,
        f"\n{preset.help.of(language)}\n\n{price(voice, offer.tag)}",
        f"\n\n{how}" if lines else "",
        *lines,
        "\n\n",
        Piece(f"/{preset.name}{words}", "code"),
    )


def question(voice: Voice, asked: Input) -> str:
    """Ask for an input."""
    title = asked.titles.of(voice.language.value)
    match asked:
        case ImageInput():
            return voice.say("Send a picture: {title}", title=title)
        case TextInput():
            return voice.say("Write it now: {title}", title=title)
        case _:
            bounds = "".join(f" ({each})" for each in _bounds(voice, asked))
            return voice.say("Which value? {title}", title=title) + bounds


def answers(voice: Voice, asked: Input | None) -> Rows:
    """Return the answers that there are to a question, where they can be counted."""
    match asked:
        case ChoiceInput():
            said = [each.titles.of(voice.language.value) for each in asked.choices]
        case BooleanInput():
            said = [voice.say("Yes"), voice.say("No")]
        case _:
            return ()
    return stacked([button(each, Press.ANSWER, str(place)) for place, each in enumerate(said)])


def ordered(voice: Voice, quote: Quote) -> str:
    """Return the message that begins an order: what it costs, and what is left."""
    title = quote.preset.titles.of(voice.language.value)
    left = in_credits(voice, quote.balance - quote.held)
    if quote.exact:
        said = voice.say(
            "{credits} (balance after: {left})", credits=in_credits(voice, quote.price), left=left
        )
    else:
        said = voice.say(
            "about {credits}; {held} are set aside, and what is left over comes back"
            " (balance until then: {left})",
            credits=in_credits(voice, quote.price),
            held=in_credits(voice, quote.held),
            left=left,
        )
    return page(head(f"{title}:"), f" {said}")


def _choice(voice: Voice, offer: Offer) -> Button:
    title = offer.preset.titles.of(voice.language.value)
    return button(f"{title} · {_short(voice.language, offer.tag)}", Press.CHOOSE, offer.preset.name)


def _short(language: Language, tag: Tag) -> str:
    """Write a price as it fits a button: ``5``, ``≈ 2.5``."""
    amount = tag.held if tag.price is None else tag.price
    digits = pointed(language, f"{amount.quantize(Decimal('0.01')).normalize():f}")
    return digits if tag.exact else f"≈ {digits}"


def _optional(preset: Preset, asked: Input) -> bool:
    return asked is not writing.main(preset) and not isinstance(asked, ImageInput)


def _line(voice: Voice, asked: Input) -> str:
    said = [*_bounds(voice, asked)]
    if asked.default is not None:
        said.append(voice.say("usually {value}", value=_value(voice, asked)))
    elif asked.required:
        said.append(voice.say("needed"))
    described = ", ".join(said)
    title = f"{asked.name}: {asked.titles.of(voice.language.value)}"
    return f"{title} ({described})" if described else title


def _bounds(voice: Voice, asked: Input) -> Iterator[str]:
    match asked:
        case IntegerInput() | NumberInput():
            kept = inputs.bounds(asked)
            least, most = (_digits(voice, kept.get(name)) for name in ("min", "max"))
            if least and most:
                yield voice.say("from {least} to {most}", least=least, most=most)
            elif least:
                yield voice.say("at least {least}", least=least)
            elif most:
                yield voice.say("at most {most}", most=most)
        case TextInput():
            yield voice.plural("up to {n} character", "up to {n} characters", asked.most)
        case ChoiceInput():
            yield " / ".join(str(each.value) for each in asked.choices)
        case BooleanInput():
            yield voice.say("yes or no")
        case _:
            pass


def _digits(voice: Voice, bound: float | None) -> str:
    return "" if bound is None else pointed(voice.language, f"{bound:.12g}")


def _value(voice: Voice, asked: Input) -> str:
    if isinstance(asked, BooleanInput):
        return voice.say("Yes") if asked.default else voice.say("No")
    return str(asked.default)


def _setting(options: Sequence[Input]) -> str:
    """Return an example of how something is set."""
    return "" if not options else f"--{options[0].name} {_possible(options[0])}"


def _possible(asked: Input) -> str:
    """Return a value that an input may have."""
    match asked:
        case ChoiceInput():
            return str(asked.choices[-1].value)
        case BooleanInput():
            return "yes"
        case IntegerInput() | NumberInput():
            known = (asked.most, asked.least, asked.default, 7)
            return f"{next(each for each in known if each is not None):.12g}"
        case _:
            return '"..."'


def _example(voice: Voice, asked: TextInput) -> str:
    title = asked.titles.of(voice.language.value).lower()
    return title if "prompt" not in asked.name else voice.say("a lighthouse at dusk")
