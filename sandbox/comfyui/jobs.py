"""Prompts as `/api/jobs` shows them, from 0.6.0 on."""

from collections.abc import Mapping
from typing import Final

from sandbox.comfyui.items import Item
from sandbox.comfyui.server import Server
from sandbox.comfyui.values import Json, a_list, an_object
from sandbox.comfyui.versions import CANCELLED

_STATUSES: Final = ("pending", "in_progress", "completed", "failed", "cancelled")
_SORTS: Final = {"created_at": "create_time", "execution_duration": "duration"}
_FILES: Final = frozenset({"images", "gifs", "video", "audio", "3d"})
_PREVIEWED: Final = ("output", "temp")


class RefusedQueryError(Exception):
    """A query that makes no sense; the message is what the answer says."""


def listed(server: Server, query: Mapping[str, str]) -> Json:
    """Return the jobs that a query asks for.

    Raises:
        RefusedQueryError: It makes no sense.
    """
    wanted = [one for one in query.get("status", "").lower().split(",") if one]
    unknown = [one for one in wanted if one not in _STATUSES]
    if unknown:
        raise RefusedQueryError(
            f"Invalid status value(s): {', '.join(unknown)}. Valid values: {', '.join(_STATUSES)}"
        )
    limit = _count(query, "limit", 1, "limit must be a positive integer")
    offset = _count(query, "offset", 0, "offset must be a non-negative integer") or 0
    jobs = [_job(server, item) for item in _all(server)]
    if wanted:
        jobs = [job for job in jobs if job["status"] in wanted]
    if "workflow_id" in query:
        jobs = [job for job in jobs if job.get("workflow_id") == query["workflow_id"]]
    jobs.sort(
        key=lambda job: _sorted_by(job, _SORTS.get(query.get("sort_by", ""), "create_time")),
        reverse=query.get("sort_order", "desc") == "desc",
    )
    page = jobs[offset:] if limit is None else jobs[offset : offset + limit]
    more = offset + len(page) < len(jobs)
    pages: Json = {"offset": offset, "limit": limit, "total": len(jobs), "has_more": more}
    return {"jobs": page, "pagination": pages}


def whole(server: Server, job_id: str) -> Json | None:
    """Return all of one job; None where there is none."""
    item = next((one for one in _all(server) if one.prompt_id == job_id), None)
    if item is None:
        return None
    job = _job(server, item)
    if item.prompt_id in server.history:
        history = item.history()
        job["outputs"], job["execution_status"] = history["outputs"], history["status"]
        job["workflow"] = {"prompt": item.prompt, "extra_data": item.extra_data}
    return job


def cancel(server: Server, job_ids: list[str]) -> bool:
    """Interrupt or take out of the queue; say whether there was anything to cancel."""
    return any(tuple(server.interrupt(each) or server.delete([each]) for each in job_ids))


def _all(server: Server) -> list[Item]:
    """Return every prompt that the server knows, those that wait and run first."""
    running = [] if server.running is None else [server.running]
    return [*(item for *_, item in server.pending), *running, *server.history.values()]


def _job(server: Server, item: Item) -> Json:
    job: Json = {
        "id": item.prompt_id,
        "status": _status(server, item),
        "priority": item.number,
        "create_time": item.posted_at,
    }
    stamps = {kind: told["timestamp"] for kind, told in item.messages}
    if item.prompt_id in server.history and item.stored_at is not None:
        job["execution_start_time"] = stamps.get("execution_start")
        job["execution_end_time"] = list(stamps.values())[-1]
    for kind, told in item.messages:
        if kind == "execution_error":
            job["execution_error"] = told
    files = _files(item) if item.stored_at is not None else []
    job["outputs_count"] = len(files)
    if files:
        job["preview_output"] = min(files, key=lambda file: _PREVIEWED.index(str(file["type"])))
    if item.workflow_id is not None:
        job["workflow_id"] = item.workflow_id
    return job


def _status(server: Server, item: Item) -> str:
    if item.stored_at is None:
        return "pending" if item.status == "pending" else "in_progress"
    if item.status == "interrupted":
        return "cancelled" if server.version >= CANCELLED else "failed"
    return "completed" if item.status == "success" else "failed"


def _files(item: Item) -> list[Json]:
    return [
        (an_object(file) or {}) | {"nodeId": node_id, "mediaType": kind}
        for node_id, shown in item.made.items()
        for kind, files in (an_object(shown) or {}).items()
        if kind in _FILES
        for file in a_list(files) or []
    ]


def _sorted_by(job: Json, what: str) -> int:
    if what == "duration":
        return _stamp(job, "execution_end_time") - _stamp(job, "execution_start_time")
    return _stamp(job, what)


def _stamp(job: Json, name: str) -> int:
    value = job.get(name)
    return value if isinstance(value, int) else 0


def _count(query: Mapping[str, str], name: str, least: int, words: str) -> int | None:
    if name not in query:
        return None
    text = query[name]
    if not text.isdecimal() or int(text) < least:
        raise RefusedQueryError(words)
    return int(text)
