"""Alerts that are only noted."""


class FakeAlerts:
    """See app.ports.Alerts.

    Attributes:
        raised: The slugs, in order.
    """

    def __init__(self) -> None:
        self.raised: list[str] = []

    def alert(self, slug: str, message: str) -> None:
        """See app.ports.Alerts."""
        del message
        self.raised.append(slug)
