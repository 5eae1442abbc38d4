"""Switches that the control calls turn while the sandbox runs."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field


class _Controls(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    def merge(self, changes: Self) -> None:
        """Take over those fields that were given in `changes`, and no others."""
        for name in changes.model_fields_set:
            setattr(self, name, getattr(changes, name))


class ComfyDeployControls(_Controls):
    """How ComfyDeploy as a whole behaves.

    Attributes:
        down: Answer 503 to everything.
        hang: Answer nothing.
        auth: Treat every key as one of this kind.
        hold_ends: Keep runs from ending until this is turned off.
        retry_scale: Factor on the waits between the tries of a webhook.
        outputs_down: Answer 503 where outputs are stored.
    """

    down: bool = False
    hang: bool = False
    auth: Literal["revoked", "expired", "suspended", "no-credits"] | None = None
    hold_ends: bool = False
    retry_scale: Annotated[float, Field(ge=0)] = 1.0
    outputs_down: bool = False


class TelegramControls(_Controls):
    """How Telegram as a whole behaves.

    Attributes:
        down: Answer 502 with HTML to everything, as the proxy in front of it does.
        fetch_urls: Whether files are fetched from URLs; else such sends fail.
        edit_delay: How late edits are answered, in seconds; they take effect at once.
        send_delay: How late sends are answered, in seconds; they take effect at once.
        retry_scale: Factor on the waits between the tries of an update.
        privacy: Whether the bot is told little of what is said in groups: commands, replies to it,
            and its name.
        checkout_seconds: How long a payment waits for the bot's word.
    """

    down: bool = False
    fetch_urls: bool = True
    edit_delay: Annotated[float, Field(ge=0)] = 0.0
    send_delay: Annotated[float, Field(ge=0)] = 0.0
    retry_scale: Annotated[float, Field(ge=0)] = 1.0
    privacy: bool = True
    checkout_seconds: Annotated[float, Field(ge=0)] = 10.0
