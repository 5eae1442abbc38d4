"""Switches that the control calls turn while the sandbox runs."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

Said = Literal[
    "status",
    "execution_start",
    "execution_cached",
    "progress_state",
    "executing",
    "progress",
    "executed",
    "execution_success",
    "execution_error",
    "execution_interrupted",
    "end",
    "binary",
]
"""A kind of message of ComfyUI's socket."""


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


class Header(BaseModel):
    """A header that every request and every handshake must carry."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1)]
    value: str


class ComfyUIControls(_Controls):
    """How one ComfyUI server behaves. Times are in seconds.

    Attributes:
        version: Which ComfyUI it is, from 0.3.45 on in every way that its clients notice.
        seconds: How long the samplers of one prompt take together; None: the sandbox's default.
        node_seconds: How long nodes of a class take, each, by class.
        hold: Class of nodes that do not end until this is turned off, all progress made; `*`: any.
        header: What to ask of every request and handshake; others get 401.
        down: Answer nothing else than this to anything, and break the sockets.
        hang: Answer nothing, handshakes included.
        idle: Answer 200 `{}` to everything and do nothing.
        post: What becomes of POST /prompt: `taken-...` after the prompt was taken.
        post_left: For how many POSTs that holds; None: until it is turned off.
        post_delay: How late POST /prompt is answered, counted from when the prompt was taken.
        unsaid: Kinds of messages that never come; `end` is the `executing` with node null, `binary`
            every preview and text.
        silent_from: Kind of a prompt's first message that does not come, nor any of it after that.
        late: How late each message is sent.
        drop_every: Break each socket after so many messages.
        drop_after: Break a socket after so many messages from now on, once.
        refuse_sockets: Answer 503 to handshakes.
        history_after: How long after `execution_success` a prompt leaves the queue for the history.
        history_takes: How late GET /history is answered.
        dead_worker: Let the worker die at the next node that it begins; a restart revives it.
        out_of_memory: Let every sampler fail for want of memory.
        padding: Bytes of an unknown key in each `executed` message.
        assets: Tell every socket of `assets.seed...` after each run.
    """

    version: Annotated[str, Field(pattern=r"^\d{1,4}\.\d{1,4}\.\d{1,4}$")] = "0.30.2"
    seconds: Annotated[float, Field(ge=0)] | None = None
    node_seconds: dict[str, Annotated[float, Field(ge=0)]] = {}
    hold: str | None = None
    header: Header | None = None
    down: Literal["reset", "500", "502", "503"] | None = None
    hang: bool = False
    idle: bool = False
    post: (
        Literal["500", "502", "503", "reset", "hang", "taken-500", "taken-reset", "taken-hang"]
        | None
    ) = None
    post_left: Annotated[int, Field(ge=1)] | None = None
    post_delay: Annotated[float, Field(ge=0)] = 0.0
    unsaid: frozenset[Said] = frozenset()
    silent_from: Said | None = None
    late: Annotated[float, Field(ge=0)] = 0.0
    drop_every: Annotated[int, Field(ge=1)] | None = None
    drop_after: Annotated[int, Field(ge=1)] | None = None
    refuse_sockets: bool = False
    history_after: Annotated[float, Field(ge=0)] = 0.0
    history_takes: Annotated[float, Field(ge=0)] = 0.0
    dead_worker: bool = False
    out_of_memory: bool = False
    padding: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    assets: bool = False
