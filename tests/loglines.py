"""What is logged in tests that do not say how."""

import structlog


def plain() -> None:
    """Have it printed as structlog does by default, its tracebacks plain.

    A traceback in frames, with the values of all variables, takes half a second to draw.
    """
    structlog.reset_defaults()
    *others, _ = structlog.get_config()["processors"]
    last = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(processors=[*others, last])
