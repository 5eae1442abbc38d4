"""What can be wrong with a request before it reaches a use case.

* RefusedError
    * MalformedError: it is not HTTP as we speak it
    * HeadersTooLargeError: too many headers, or too long
    * UnauthorizedError: no key or token, or not a right one
        * TokenExpiredError: the view token was right once
        * SessionEndedError: who was signed in is not any more
        * SignatureError: the token is right, and the signature is not
    * ForbiddenError: the key or token is right, and not for this
        * ScopeError: it may not do this
        * CrossSiteError: a page of somebody else's made the browser ask
    * GuessedError: too many wrong keys were tried
    * MethodError: this cannot be done here
    * MediaTypeError: the body is not what we read
    * TooLargeError: the body is longer than we read
    * SlowBodyError: the body did not come in time
    * PictureError: the file is no picture that we take
    * NotJsonError: the body is not JSON, or no JSON that we keep
* DisconnectedError: nobody is left to be answered
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from app.errors import AppError, RefusedError


class MalformedError(RefusedError):
    """The request is not well formed."""

    reason = "malformed"


class HeadersTooLargeError(RefusedError):
    """The request has too many headers, or too long ones."""

    reason = "headers_too_large"

    def __init__(self) -> None:
        super().__init__("at most 100 headers, and 32 kB of them")


class UnauthorizedError(RefusedError):
    """The key or token is missing or not a right one."""

    reason = "unauthorized"

    def __init__(self) -> None:
        super().__init__("a valid key or token is required")


class TokenExpiredError(UnauthorizedError):
    """The view token has run out; ask for a new one."""

    reason = "token_expired"

    def __init__(self) -> None:
        RefusedError.__init__(self, "the view token has run out")


class SessionEndedError(UnauthorizedError):
    """The session is over; sign in again."""

    reason = "session_ended"

    def __init__(self) -> None:
        RefusedError.__init__(self, "nobody is signed in any more")


class ForbiddenError(RefusedError):
    """Whoever asks may not do this."""

    reason = "forbidden"


class ScopeError(ForbiddenError):
    """The key or token may not do this."""

    reason = "scope"


class CrossSiteError(ForbiddenError):
    """Another site's page made the browser ask; who is signed in acts from our own pages only."""

    reason = "cross_site"

    def __init__(self) -> None:
        super().__init__("Origin or Sec-Fetch-Site does not name the site that was called")


class GuessedError(RefusedError):
    """Too many wrong keys were tried from there.

    Attributes:
        retry_after: When it is looked at one again.
    """

    reason = "sign_in_limit"

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__("too many wrong keys; wait before you try again")
        self.retry_after = retry_after


class SignatureError(UnauthorizedError):
    """The signature of a webhook is missing, not a right one, or too old.

    Attributes:
        fault: ``missing``, or a `standard_webhooks.Reason`; for the log, not for its sender.
    """

    reason = "signature"

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault


class MethodError(RefusedError):
    """That cannot be done with this resource.

    Attributes:
        allowed: The methods that can be used.
    """

    reason = "method"

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed = tuple(sorted(allowed))
        super().__init__(f"use one of {', '.join(self.allowed)}")


class MediaTypeError(RefusedError):
    """The body is not of a type that is read here."""

    reason = "media_type"

    def __init__(self, asked: str = "send application/json, without a content encoding") -> None:
        super().__init__(asked)


class TooLargeError(RefusedError):
    """The body is longer than what is read here."""

    reason = "too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"at most {limit} bytes")


class PictureError(RefusedError):
    """The file is no picture that is taken here.

    Attributes:
        field: Where it stands in the request.
        bounds: What it must keep: ``maxPixels``, ``maxSide``; None where that is not the point.
    """

    reason = "picture"

    def __init__(self, field: str, problem: str, bounds: Mapping[str, int]) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.bounds = dict(bounds) or None


class SlowBodyError(RefusedError):
    """The body did not come in time."""

    reason = "slow_body"

    def __init__(self) -> None:
        super().__init__("the body did not come in time")


class NotJsonError(RefusedError):
    """The body is not JSON, or holds what cannot be kept."""

    reason = "json"


class DisconnectedError(AppError):
    """The client has gone; nobody is left to be answered."""

    reason = "disconnected"
