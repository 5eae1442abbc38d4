"""Money, duties and administration in the bot's conversation."""

# Russian is written in Cyrillic letters, some of which look like Latin ones.

import pytest

from schemas.debt import Debt, DebtKind
from schemas.job import JobId, JobStatus
from schemas.user import Role
from tests.builders import NOON, a_job, a_step
from tests.conversation.scenes import Bot
from tests.sandbox.telegram.person import words

pytestmark = pytest.mark.anyio


async def test_whoever_lacks_credits_buys_some_and_orders(bot: Bot) -> None:
    """From the refusal to the button, the invoice, the payment and the order."""
    ada = bot.somebody()
    await ada.write("/dear sea")
    refused = await ada.next()
    assert words(refused).startswith("That is not enough: 50 credits are missing.")
    await ada.tap("b:")
    sizes = await ada.until("How many credits")
    await ada.tap("b:50", message_id=sizes["message_id"])
    await ada.until(lambda message: message["invoice"])
    assert (await ada.pay())["paid"]
    assert "Balance now: 150 credits" in words(await ada.until("Thank you!"))

    await ada.write("/dear sea")
    await ada.until("Dear: 150 credits (balance after: 0 credits)")
    await bot.ended(ada)
    assert await bot.balance(ada) == 0


async def test_buying_by_name_in_a_group(bot: Bot) -> None:
    """/buy is heard there with the bot's name; who is blocked is sold nothing."""
    ada = bot.somebody().at(-4701)
    await ada.write("/buy@sandbox_4711_bot")
    assert "How many credits" in words(await ada.next())
    await bot.change(ada, blocked=True)
    await ada.tap("b:50")
    assert (await ada.answered())["show_alert"]


async def test_terms_and_help_with_payments(bot: Bot) -> None:
    """In the person's language; the operator's own texts, or that there are none."""
    ada = bot.somebody("ru")
    await ada.write("/terms")
    assert "условия" in words(await ada.next())
    await ada.write("/paysupport")
    assert "платеж" in words(await ada.next())


async def test_to_be_forgotten(bot: Bot) -> None:
    """Only after a confirmation, in private, with nothing under way."""
    ada = bot.somebody()
    await ada.at(-4702).write("/forgetme")
    assert words(await ada.at(-4702).next()) == "Please write this to me in private."
    await ada.at(-4702).tap("y:forget", stale=True, message_id=1)
    await ada.write("/endless sea")
    await ada.next()
    await ada.write("/forgetme")
    asked = await ada.until("This cannot be undone.")
    await ada.tap("y:forget", message_id=asked["message_id"])
    assert "still under way" in (await ada.answered())["text"]
    assert (await bot.user(ada)).forget_wanted_at is None
    await ada.write("/cancel")
    await bot.ended(ada)

    await ada.write("/forgetme")
    asked = await ada.until("This cannot be undone.")
    user = await bot.user(ada)
    await ada.tap("y:forget", message_id=asked["message_id"])
    await ada.until("Your data is being removed.")
    after = await bot.store.users.get(user.id)
    assert after is not None
    assert after.forget_wanted_at or after.forgotten_at


async def test_others_have_no_such_command(bot: Bot) -> None:
    """Who is no administrator is told nothing of /admin."""
    ada = bot.somebody()
    await ada.write("/admin find ada")
    assert words(await ada.next()) == "There is no command /admin. See /presets."


async def test_administration(bot: Bot) -> None:
    """People are found, given credits, blocked and let in again."""
    root, ada = bot.somebody(name="Root"), bot.somebody(name="Zora")
    for person in (root, ada):
        await person.write("/start")
        await person.next()
    await bot.change(root, roles=(Role.ADMIN,))

    async def told(text: str) -> str:
        await root.write(text)
        return words(await root.next())

    assert (await told("/admin")).startswith("Administration")
    assert f"{ada.id} · Zora" in await told("/admin find Zora")
    assert await told("/admin find") == "Nobody is called so."
    assert await told(f"/admin grant {ada.id} 50 sorry") == (
        f"{ada.id} · Zora got 50 credits. Balance: 150 credits."
    )
    assert await told(f"/admin grant {ada.id} many") == "How many? /admin grant 4711 50 reason"
    assert "That was refused" in await told(f"/admin grant {ada.id} -5")
    assert await told("/admin grant 1 5") == "Who? A Telegram id, or @name; /admin find helps."
    assert "Balance: 150 credits" in await told(f"/admin show {ada.id}")
    assert "blocked" in await told(f"/admin block {ada.id} spam")
    assert (await bot.user(ada)).blocked
    assert "blocked" not in await told(f"/admin unblock {ada.id}")
    assert "That was refused: no such job" in await told("/admin refund 1")


async def test_what_is_stuck_and_what_is_given_up(bot: Bot) -> None:
    """And a refund, which the order's person is told of."""
    root, ada = bot.somebody(name="Root"), bot.somebody()
    await root.write("/admin stuck")
    await root.next()
    await bot.change(root, roles=(Role.ADMIN,))
    await ada.write("/art sea")
    job = await bot.ended(ada)
    dead = Debt(
        key="notify", kind=DebtKind.NOTIFY, next_at=NOON, dead_at=NOON, last_error="no such chat"
    )
    user, id_ = await bot.user(root), JobId(f"{job.id[:24]}deadbeef")
    step = a_step(generation=f"{job.id[:24]}deadbeef")
    lost = a_job(id=id_, user_id=user.id, steps=(step,), status=JobStatus.COMPLETED, owed=(dead,))
    assert await bot.store.jobs.insert(lost)

    await root.write("/admin dead")
    assert f"{id_}\njob: notify" in words(await root.next())
    await root.write("/admin stuck")
    assert words(await root.next())
    await root.write(f"/admin refund {job.id} it was ugly")
    assert "given back: 5 credits" in words(await root.next())
    assert await bot.balance(ada) == 100
