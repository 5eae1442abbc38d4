"""The presets we keep, in memory."""

from collections.abc import Sequence

from app.ports import PresetWrite
from schemas.preset import Preset
from tests.fakes.gates import Gate, ajar


class FakePresets:
    """See app.ports.Presets."""

    def __init__(self, *presets: Preset, gate: Gate = ajar) -> None:
        self.records = {each.name: each for each in presets}
        self.gate = gate

    async def get(self, name: str) -> Preset | None:
        """See app.ports.Presets."""
        await self.gate()
        return self.records.get(name)

    async def all(self) -> tuple[Preset, ...]:
        """See app.ports.Presets."""
        await self.gate()
        return tuple(self.records[name] for name in sorted(self.records))

    async def write(self, writes: Sequence[PresetWrite]) -> bool:
        """See app.ports.Presets."""
        await self.gate()
        if any(not self._stands(each) for each in writes):
            return False
        self.records |= {each.after.name: each.after for each in writes}
        return True

    def _stands(self, write: PresetWrite) -> bool:
        now = self.records.get(write.after.name)
        if write.before is None or now is None:
            return write.before is now
        return now.version == write.before.version
