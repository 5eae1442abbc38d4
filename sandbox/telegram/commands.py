"""The commands that a bot offers, by scope and language."""

import json
import re
from typing import Final

from sandbox.telegram import calls
from sandbox.telegram.calls import Call, Json, Method
from sandbox.telegram.refusals import Refusal

_NAME: Final = re.compile(r"[a-z0-9_]{1,32}")
_DESCRIPTION: Final = range(1, 257)
_MOST: Final = 100


class Commands:
    """The lists that the bot has set; each call is about one of them."""

    def __init__(self) -> None:
        self._lists: dict[tuple[str, str], list[Json]] = {}

    def table(self) -> dict[str, Method]:
        """Return the methods by their names in small letters."""
        return {
            "setmycommands": self._set,
            "getmycommands": self._get,
            "deletemycommands": self._delete,
        }

    def clear(self) -> None:
        """Forget every list."""
        self._lists.clear()

    async def _set(self, call: Call) -> object:
        given = call.structure("commands")
        if not isinstance(given, list) or len(given) > _MOST:  # pyright: ignore[reportUnknownArgumentType]
            raise Refusal("can't parse list of bot commands")
        # A JSON array holds anything; each item is looked at on its own.
        self._lists[_key(call)] = [_checked(each) for each in given]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return True

    async def _get(self, call: Call) -> object:
        return self._lists.get(_key(call), [])

    async def _delete(self, call: Call) -> object:
        self._lists.pop(_key(call), None)
        return True


def _key(call: Call) -> tuple[str, str]:
    scope = call.record("scope") or {"type": "default"}
    return json.dumps(scope, sort_keys=True), call.text("language_code")


def _checked(value: object) -> Json:
    command = calls.record(value, "commands")
    name, description = str(command.get("command", "")), str(command.get("description", ""))
    if _NAME.fullmatch(name.removeprefix("/")) is None:
        raise Refusal("BOT_COMMAND_INVALID")
    if len(description) not in _DESCRIPTION:
        raise Refusal("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": name.removeprefix("/"), "description": description}
