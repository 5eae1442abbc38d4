"""What the bot's handlers stand on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.clock import Clock
from app.ports import Chats, Conversations, Users
from app.telegram.conversing import Cases


@dataclass(frozen=True, kw_only=True)
class Around:
    """What the bot's handlers stand on.

    Attributes:
        cases: What the conversation does things with; None where there is none.
        given: What handlers are given by name, such as use cases.
    """

    conversations: Conversations
    chats: Chats
    users: Users
    clock: Clock
    cases: Cases | None = None
    given: Mapping[str, object] = field(default_factory=dict[str, object])
