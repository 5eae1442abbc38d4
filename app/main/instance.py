"""The name of this process, the same after a restart on the same data."""

from pathlib import Path

from app.clock import Clock
from schemas.base import InstanceName


def name_of(folder: Path, kind: str = "serve") -> InstanceName:
    """Return the name kept in a folder; the first start makes one, beginning with `kind`.

    The folder's lock must be held: a name belongs to one process at a time, and after a crash
    its next bearer knows that the claims under it are dead.
    """
    path = folder / "instance"
    if path.exists():
        return InstanceName(path.read_text().strip())
    name = f"{kind}-{Clock().new_id()[-12:]}"
    partial = path.with_suffix(".new")
    partial.write_text(name + "\n")
    partial.replace(path)
    return InstanceName(name)
