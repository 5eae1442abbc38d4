"""Programs that stand in for a mongod that does not work."""

from pathlib import Path


def a_script(folder: Path, body: str, *, interpreter: str = "/bin/sh") -> Path:
    """Write an executable script named `mongod` into `folder`, and return its path."""
    path = folder / "mongod"
    path.write_text(f"#!{interpreter}\n{body}\n")
    path.chmod(0o755)
    return path
