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


ReplicateFate = Literal[
    "422", "429", "500", "502", "503", "reset", "hang", "taken-500", "taken-reset", "taken-hang"
]
"""What becomes of a creation at Replicate; `taken-...`: after the prediction was made."""

ReplicateShape = Literal[
    "string",
    "list",
    "object",
    "text",
    "words",
    "number",
    "boolean",
    "null",
    "data",
    "video",
    "huge",
]
"""The shape of an output at Replicate."""


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


class ReplicateControls(_Controls):
    """How Replicate as a whole behaves. Times are in seconds.

    Attributes:
        down: Answer 503 to everything.
        hang: Answer nothing.
        auth: Treat every token as one of this kind.
        create: What becomes of creations; `taken-...` after the prediction was made.
        create_left: For how many of them that holds; None: until it is turned off.
        create_delay: How late a creation is answered, counted from when the prediction was made.
        others: What becomes of all other calls.
        others_left: For how many of them that holds; None: until it is turned off.
        others_delay: How late all other calls are answered.
        retry_after: What `Retry-After` of a 429 says; None: there is no such header.
        resets_in: After how many seconds a 429 that was ordered says that the limit resets.
        rate_creations: How many creations are taken within `rate_seconds`.
        rate_others: How many other calls are.
        rate_seconds: The span in which they are counted.
        required: Inputs that every model demands.
        cold_start: How long predictions are `starting`; None: a tenth of their length.
        hold_starts: Keep predictions from running until this is turned off.
        hold_ends: Keep predictions from ending, all output made, until this is turned off.
        longest: How long a prediction may run.
        deadline_scale: Factor on what `Cancel-After` and `Prefer` ask for.
        kept: How long data are kept after the end; from 0 on, for predictions of before, too.
        files: Answer 404 or 503 where outputs are stored.
        output: The shape of outputs; None: a list where `num_outputs` is given, else one address.
        padding: Bytes that each prediction's logs begin with.
        fetch_urls: Whether files are fetched from URLs; else they are ignored.
        page: How many predictions a list shows at once.
        retry_scale: Factor on the waits between the tries of a webhook.
        event_gap: The least time between two `output`, or two `logs`, of a prediction.
        webhooks_lost: Events that are never told.
        webhooks_times: How many times each event is told, at once.
        webhooks_late: How late each event is told.
        webhooks_order: Keep every webhook until the end and send them then, in this order.
        signed: How webhooks are signed: `old` by the secret before, `both` by the two, `stale` ten
            minutes ago.
    """

    down: bool = False
    hang: bool = False
    auth: Literal["invalid", "no-credits"] | None = None
    create: ReplicateFate | None = None
    create_left: Annotated[int, Field(ge=1)] | None = None
    create_delay: Annotated[float, Field(ge=0)] = 0.0
    others: Literal["429", "500", "502", "503", "reset", "hang"] | None = None
    others_left: Annotated[int, Field(ge=1)] | None = None
    others_delay: Annotated[float, Field(ge=0)] = 0.0
    retry_after: Annotated[int, Field(ge=0)] | None = None
    resets_in: Annotated[int, Field(ge=0)] = 30
    rate_creations: Annotated[int, Field(ge=0)] = 600
    rate_others: Annotated[int, Field(ge=0)] = 3_000
    rate_seconds: Annotated[float, Field(gt=0)] = 60.0
    required: list[str] = []
    cold_start: Annotated[float, Field(ge=0)] | None = None
    hold_starts: bool = False
    hold_ends: bool = False
    longest: Annotated[float, Field(ge=0)] = 1_800.0
    deadline_scale: Annotated[float, Field(ge=0)] = 1.0
    kept: Annotated[float, Field(ge=0)] = 3_600.0
    files: Literal["gone", "down"] | None = None
    output: ReplicateShape | None = None
    padding: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    fetch_urls: bool = True
    page: Annotated[int, Field(ge=1)] = 100
    retry_scale: Annotated[float, Field(ge=0)] = 1.0
    event_gap: Annotated[float, Field(ge=0)] = 0.5
    webhooks_lost: frozenset[Literal["start", "output", "logs", "completed"]] = frozenset()
    webhooks_times: Annotated[int, Field(ge=1, le=100)] = 1
    webhooks_late: Annotated[float, Field(ge=0)] = 0.0
    webhooks_order: Literal["reverse", "shuffle"] | None = None
    signed: Literal["right", "wrong", "old", "both", "none", "stale"] = "right"
