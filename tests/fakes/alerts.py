"""Alerts that are only noted."""


class FakeAlerts:
    """See app.ports.Alerts.

    Attributes:
        raised: The slugs, in order.
        messages: What was said with each.
    """

    def __init__(self) -> None:
        self.raised: list[str] = []
        self.messages: list[str] = []

    def alert(self, slug: str, message: str) -> None:
        """See app.ports.Alerts."""
        self.raised.append(slug)
        self.messages.append(message)
