"""As much of PromQL as our dashboard and our alerts use: read, or refused with a word.

After https://prometheus.io/docs/prometheus/latest/querying/basics/ (2026): selectors with
matchers and ranges, functions, aggregations, and operators by their precedence, of which only
that there are two sides to each is checked here.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple, NoReturn

FUNCTIONS: Final = {
    "rate": "range",
    "increase": "range",
    "max_over_time": "range",
    "histogram_quantile": "number vector",
    "absent": "vector",
    "time": "",
}
"""Each with what it takes."""
AGGREGATIONS: Final = {"sum", "max", "min"}
OPERATORS: Final = {"+", "-", "*", "/", ">", "<", ">=", "<=", "==", "!=", "and", "or", "unless"}
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<range>\[(?:\d+(?:ms|[smhdwy])|\$__rate_interval)\])"""
    r"""|(?P<number>\d+(?:\.\d+)?)|(?P<string>"(?:[^"\\]|\\.)*")"""
    r"""|(?P<name>[a-zA-Z_:][\w:]*)|(?P<sign>=~|!~|!=|==|>=|<=|[-+*/><=(){},]))"""
)


class QueryError(Exception):
    """What was read is no query."""


class Matcher(NamedTuple):
    """Which values of a label are wanted."""

    label: str
    operator: str
    value: str


class Selector(NamedTuple):
    """Series of one name, those that match, and the labels that they are grouped by."""

    metric: str
    matchers: tuple[Matcher, ...]
    grouped: tuple[str, ...] = ()


class Read(NamedTuple):
    """A part of a query: what it comes to, and what it is made of."""

    kind: str
    """``number``, ``vector`` or ``range``."""
    selectors: tuple[Selector, ...]


def read(query: str) -> tuple[Selector, ...]:
    """Return all that a query selects.

    Raises:
        QueryError: It is none.
    """
    reader = _Reader(query)
    found = reader.sides()
    reader.end()
    if found.kind == "range":
        raise QueryError(f"nothing is made of the range: {query}")
    return found.selectors


class _Reader:
    def __init__(self, query: str) -> None:
        self._query = query
        self._tokens = list(_tokens(query))
        self._at = 0

    def end(self) -> None:
        if self._peek():
            self._refuse("more than a query")

    def sides(self) -> Read:
        """Read sides with operators between them."""
        found = self._side()
        while self._peek() in OPERATORS:
            self._take()
            other = self._side()
            if "range" in (found.kind, other.kind):
                self._refuse("a range has no operators")
            kind = "number" if found.kind == other.kind == "number" else "vector"
            found = Read(kind, found.selectors + other.selectors)
        return found

    def _side(self) -> Read:
        token = self._take()
        if token == "(":
            found = self.sides()
            self._expect(")")
            return found
        if token[0].isdigit():
            return Read("number", ())
        if not re.fullmatch(r"[a-zA-Z_:][\w:]*", token):
            self._refuse(f"no side: {token}")
        if token in AGGREGATIONS:
            return self._aggregation()
        if self._peek() == "(":
            return self._call(token)
        return self._selector(token)

    def _aggregation(self) -> Read:
        labels = tuple(self._labels()) if self._peek() == "by" else ()
        (found,) = self._arguments()
        if found.kind != "vector":
            self._refuse("only vectors are aggregated")
        # What lies beneath another aggregation has no other labels any more.
        return Read("vector", tuple(each._replace(grouped=labels) for each in found.selectors))

    def _call(self, name: str) -> Read:
        if name not in FUNCTIONS:
            self._refuse(f"no function: {name}")
        given = self._arguments()
        if " ".join(each.kind for each in given) != FUNCTIONS[name]:
            self._refuse(f"{name} takes {FUNCTIONS[name] or 'nothing'}")
        selectors = tuple(one for each in given for one in each.selectors)
        return Read("vector" if selectors else "number", selectors)

    def _arguments(self) -> list[Read]:
        self._expect("(")
        found = list[Read]()
        while self._peek() != ")":
            found.append(self.sides())
            if self._peek() != ")":
                self._expect(",")
        self._expect(")")
        return found

    def _labels(self) -> Iterator[str]:
        self._expect("by")
        self._expect("(")
        while True:
            yield self._take()
            if self._peek() != ",":
                break
            self._expect(",")
        self._expect(")")

    def _selector(self, metric: str) -> Read:
        matchers = list[Matcher]()
        if self._peek() == "{":
            self._expect("{")
            while self._peek() != "}":
                label, operator, value = self._take(), self._take(), self._take()
                if operator not in {"=", "!=", "=~", "!~"} or not value.startswith('"'):
                    self._refuse(f"no matcher: {label}{operator}{value}")
                matchers.append(Matcher(label, operator, value.strip('"')))
                if self._peek() != "}":
                    self._expect(",")
            self._expect("}")
        ranged = self._peek().startswith("[")
        if ranged:
            self._take()
        return Read("range" if ranged else "vector", (Selector(metric, tuple(matchers)),))

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        if not token:
            self._refuse("it ends too early")
        self._at += 1
        return token

    def _expect(self, token: str) -> None:
        if self._take() != token:
            self._refuse(f"not followed by {token}")

    def _refuse(self, why: str) -> NoReturn:
        raise QueryError(f"{why}, at part {self._at} of {self._query}")


def _tokens(query: str) -> Iterator[str]:
    at = 0
    while query[at:].strip():
        found = _TOKEN.match(query, at)
        if found is None:
            raise QueryError(f"not understood: {query[at:]}")
        yield found.group().strip()
        at = found.end()
