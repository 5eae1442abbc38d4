"""`runrelay`: the service's command line."""

from app.cli.commands import app


def main() -> None:
    """Run the command that the arguments name."""
    app()
