"""What the command line decides about a sandbox."""

from dataclasses import dataclass

from sandbox.telegram.display import Out


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one sandbox behaves from its start to its end.

    Attributes:
        seconds: Length of a run that names none itself, in seconds, 0 or more.
        quiet: Whether the chats are kept to themselves.
        chats: Where the chats are shown unless quiet; None: on stdout.
        base_url: Address under which outputs are shown, without a slash at the end. Empty: the
            address the submitting request was sent to.
        replicate_secret: What Replicate's webhooks are signed by; empty: one thrown now.
    """

    seconds: float = 3.0
    quiet: bool = True
    chats: Out | None = None
    base_url: str = ""
    replicate_secret: str = ""
