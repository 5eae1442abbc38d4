"""Wake-ups among processes that are one process."""

from collections.abc import Callable, MutableSequence


class FakeWaker:
    """See app.ports.Waker.

    Attributes:
        woken: How often others were to be woken.
    """

    def __init__(self, others: "MutableSequence[FakeWaker] | None" = None) -> None:
        """Join others, if there are any."""
        self.woken = 0
        self._looks = list[Callable[[], None]]()
        self._all: MutableSequence[FakeWaker] = [] if others is None else others
        self._all.append(self)

    def wake(self) -> None:
        """See app.ports.Waker."""
        self.woken += 1
        for each in self._all:
            if each is not self:
                each.be_woken()

    def heed(self, look: Callable[[], None]) -> None:
        """See app.ports.Waker."""
        self._looks.append(look)

    def be_woken(self) -> None:
        """Do what another process's `wake` does here."""
        for look in self._looks:
            look()
