"""Outgoing webhooks: what is told to whom, how it is signed, and what becomes of it.

An event is owed by the write that makes it happen, and frozen into a delivery for each endpoint
that listens; the delivery owes its sending. Its id is made of what happened and to whom it is told,
so that making it again makes the same one.
"""

from processors.hooks.checking import HookProblem, check_events, check_secret, check_url, host_of
from processors.hooks.deciding import (
    ENDS,
    hears,
    job_news,
    news,
    owing,
    passed,
    progressed,
)
from processors.hooks.delivering import (
    DELIVER,
    About,
    about,
    body,
    delivered,
    failed,
    headers,
    hopeless,
    key_of,
    made,
    people_of,
    put_off,
    rotated,
    try_body,
    try_headers,
)

__all__ = [
    "DELIVER",
    "ENDS",
    "About",
    "HookProblem",
    "about",
    "body",
    "check_events",
    "check_secret",
    "check_url",
    "delivered",
    "failed",
    "headers",
    "hears",
    "hopeless",
    "host_of",
    "job_news",
    "key_of",
    "made",
    "news",
    "owing",
    "passed",
    "people_of",
    "progressed",
    "put_off",
    "rotated",
    "try_body",
    "try_headers",
]
