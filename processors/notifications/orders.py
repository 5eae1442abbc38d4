"""What is said of an order beside the end of its run: that it never began, or was settled later."""

from processors.notifications import Content, charging
from processors.notifications.charging import Charge
from processors.notifications.markup import TEXT_LIMIT, Piece, render
from processors.notifications.texts import Translate, Voice, language_of
from schemas.job import Job, Outcome, Step


def charge_of(step: Step, outcome: Outcome) -> Charge:
    """Return what a step comes to for its person."""
    if outcome.refunded is not None:
        return Charge(price=outcome.refunded, reason="refunded", held=step.held)
    if outcome.provisional:
        return Charge(reason="reserved", held=step.held)
    return Charge(price=outcome.price, reason=outcome.price_reason or "price", held=step.held)


def settled_later(job: Job, charge: Charge, language: str | None, translate: Translate) -> Content:
    """Return what has changed about the money of an order whose end was told before."""
    voice = Voice(language_of(language), translate)
    heading = voice.say("About your order {preset}:", preset=job.steps[-1].preset)
    return _content([heading, *charging.lines(voice, charge)])


def not_started(job: Job, language: str | None, translate: Translate) -> Content:
    """Return that an order was not carried out, since its credits could not be held."""
    voice = Voice(language_of(language), translate)
    preset = job.steps[-1].preset
    return _content(
        [
            voice.say("Your order {preset} was not carried out.", preset=preset),
            voice.say("Your balance does not cover it. Nothing was charged."),
        ]
    )


def _content(lines: list[str]) -> Content:
    said = render([Piece("\n".join(lines))], TEXT_LIMIT)
    return Content(text=said.html, plain=said.plain)
