"""Plays a workflow as n8n would, so far as ours go: one item at a time, from node to node.

What leaves n8n (requests, SQL, messages) is told, not done. How each node behaves was read in n8n's
sources; a test that passes here says that a workflow is joined rightly, not that n8n is.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from tests.integrations import n8n
from tests.integrations.n8n import Node, Workflow

Json = dict[str, Any]
"""What passes between nodes; Any, as it is anybody's."""


class Did(NamedTuple):
    """What a node did that is seen outside."""

    node: str
    what: Any
    """Of a request: its address and body. Of an answer: its status. Of all else: what it says."""


class Play:
    """One execution."""

    def __init__(
        self,
        flow: Workflow,
        *,
        now: float,
        vars_: Json | None = None,
        fails: dict[str, tuple[Json, int]] | None = None,
    ) -> None:
        """Prepare one.

        Args:
            flow: What is played.
            now: Seconds since 1970.
            vars_: Variables of n8n.
            fails: Nodes that fail, by name: what they pass on, and by which output.
        """
        self.did: list[Did] = []
        self.outputs: dict[str, Json] = {}
        self._flow = flow
        self._fails = fails or {}
        self._world = {"now": now, "vars": vars_ or {}, "execution": {"id": "7", "resumeUrl": "R"}}
        self._answers: Iterator[Json] = iter(())
        self._heard: Iterator[Json] = iter(())
        self._makes: dict[str, Callable[[Json, Json], Json]] = {
            "code": self._code,
            "set": self._set,
            "crypto": self._secret,
        }
        self._tells: dict[str, Callable[[Json, Json], Any]] = {
            "httpRequest": self._request,
            "postgres": lambda given, item: self._text(given["options"]["queryReplacement"], item),
            "respondToWebhook": lambda given, _: given["options"]["responseCode"],
            "telegram": self._shown("text"),
            "splitOut": lambda given, item: item["json"][given["fieldToSplitOut"]],
            "stopAndError": self._shown("errorMessage"),
        }

    def begin(self, name: str, *, heard: Iterable[Json] = (), answers: Iterable[Json] = ()) -> None:
        """Go from a node on until nothing follows, or there is nothing more to be heard.

        Args:
            name: Of the first node.
            heard: What webhooks bring: items, `json` and `raw`. Of a time that is up: `late`.
            answers: What requests are answered with.
        """
        self._heard, self._answers = iter(heard), iter(answers)
        here: str | None = name
        item: Json = {"json": {}}
        while here is not None:
            node = self._flow.node(here)
            moved = self._do(node, item)
            if moved is None:
                return
            item, output = moved
            self.outputs[here] = item["json"]
            joined = self._flow.connections.get(here)
            targets = joined.main[output] if joined and output < len(joined.main) else ()
            here = targets[0].node if targets else None

    def _do(self, node: Node, item: Json) -> tuple[Json, int] | None:
        """Do a node; return what it passes on and by which output, None where all ends."""
        if node.name in self._fails:
            said, output = self._fails[node.name]
            return {"json": said}, output
        if node.kind in n8n.CALLED and "amount" not in node.parameters:
            came = next(self._heard, None)
            return None if came is None else (item if came.get("late") else came, 0)
        if node.kind == "if":
            asked = node.parameters["conditions"]["conditions"][0]["leftValue"]
            return item, 0 if self._text(asked, item) is True else 1
        if node.kind in self._makes:
            made = self._makes[node.kind](node.parameters, item)
            return {"json": made}, int("error" in made)
        if node.kind in self._tells:
            self.did.append(Did(node.name, self._tells[node.kind](node.parameters, item)))
            return {"json": self._answer(node, item)}, 0
        return item, 0  # begins by hand, or waits for a time

    def _answer(self, node: Node, item: Json) -> Json:
        """Return what a node passes on that spoke to somebody outside."""
        if node.kind == "httpRequest":
            return next(self._answers)
        said: dict[str, Json] = {"postgres": {"saved": "1"}, "telegram": {"ok": True}}
        return said[node.kind] if node.kind in said else item["json"]

    def _code(self, given: Json, item: Json) -> Json:
        told = self._told({"code": given["jsCode"]}, item)
        return told if "error" in told else told["result"][0]["json"]

    def _set(self, given: Json, item: Json) -> Json:
        if given.get("mode") == "raw":
            return json.loads(self._text(given["jsonOutput"], item))
        fields = given["assignments"]["assignments"]
        return {each["name"]: self._text(each["value"], item) for each in fields}

    def _secret(self, given: Json, item: Json) -> Json:
        return item["json"] | {given["dataPropertyName"]: "0f" * (given["stringLength"] // 2)}

    def _request(self, given: Json, item: Json) -> tuple[str, str]:
        return self._text(given["url"], item), self._text(given.get("jsonBody", ""), item)

    def _shown(self, name: str) -> Callable[[Json, Json], Any]:
        return lambda given, item: self._text(given[name], item)

    def _text(self, text: str, item: Json) -> Any:  # noqa: ANN401 - what an expression comes to
        """Return what a parameter comes to: itself, an expression, or text that has expressions."""
        if not text.startswith("="):
            return text
        parts = text[1:].replace("}}", "{{").split("{{")
        done = [
            self._run({"expression": part}, item) if place % 2 else part
            for place, part in enumerate(parts)
        ]
        return done[1] if len(done) == 3 and not done[0] + done[2] else "".join(map(str, done))

    def _run(self, what: Json, item: Json) -> Any:  # noqa: ANN401 - what it comes to
        told = self._told(what, item)
        assert "error" not in told, told
        return told["result"]

    def _told(self, what: Json, item: Json) -> Json:
        return n8n.run([what | {"item": item, "nodes": self.outputs} | self._world])[0]
