"""The queue, the history and the jobs of a server."""

import pytest

from tests.peers import Json, Peers
from tests.sandbox.comfyui.client import (
    a_socket,
    an_id,
    history,
    post,
    posted,
    sampling,
    sleeping,
    texting,
)

pytestmark = pytest.mark.anyio


async def test_runs_one_prompt_after_another(peers: Peers) -> None:
    """The others wait in the queue, which both of its calls and the status count."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", hold="PreviewAny")
    async with a_socket(url) as listener:
        first = await posted(peers, url, texting())
        second = await posted(peers, url, texting())
        await listener.until(lambda said: said.kind == "executing")
        queue = (await peers.client.get(f"{url}/api/queue")).json()
        info = (await peers.client.get(f"{url}/prompt")).json()
        assert [one[1] for one in queue["queue_running"]] == [first]
        assert [one[1] for one in queue["queue_pending"]] == [second]
        assert info == {"exec_info": {"queue_remaining": 2}}
        assert await history(peers, url, first) is None

        await peers.control("comfyui/1", hold=None)
        await listener.run()
        await listener.run()
    everything = (await peers.client.get(f"{url}/history")).json()

    assert list(everything) == [first, second]


async def test_runs_lower_numbers_first(peers: Peers) -> None:
    """A number is a priority, and `front` goes before all that wait."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", hold="PreviewAny")
    async with a_socket(url) as listener:
        answers = [
            (await post(peers, url, texting(str(more)), **more)).json()
            for more in ({}, {"number": 7}, {"number": -5}, {"front": True}, {})
        ]
        assert [one["number"] for one in answers] == [0, 7.0, -5.0, -1, 2]
        await peers.control("comfyui/1", hold=None)
        for _ in answers:
            await listener.run()
    ran = list((await peers.client.get(f"{url}/history")).json())
    first, seven, minus_five, front, last = (one["prompt_id"] for one in answers)

    assert ran == [first, minus_five, front, last, seven]


async def test_deletes_what_waits(peers: Peers) -> None:
    """By id or all; what runs, and what is unknown, is left alone, and only a status tells."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", hold="PreviewAny")
    async with a_socket(url) as listener:
        running = await posted(peers, url, texting())
        waiting = [await posted(peers, url, texting()) for _ in range(3)]
        for body in ({"delete": [running, an_id(), waiting[0]]}, {"clear": True}):
            answer = await peers.client.post(f"{url}/queue", json=body)
            assert (answer.status_code, answer.content) == (200, b"")
        queue = (await peers.client.get(f"{url}/queue")).json()
        assert [one[1] for one in queue["queue_running"]] == [running]
        assert queue["queue_pending"] == []
        await peers.control("comfyui/1", hold=None)
        heard = await listener.run()
    named = {said.data["prompt_id"] for said in heard if "prompt_id" in said.data}
    statuses = [one["status"] for one in await peers.look("comfyui/1/prompts")]

    assert named == {running}
    assert statuses == ["success", "deleted", "deleted", "deleted"]


@pytest.mark.parametrize("way", ["all", "by id", "job", "jobs"])
async def test_interrupts_what_runs(peers: Peers, way: str) -> None:
    """The run is over, and its history and its job say why."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", hold="SleepProgress")
    async with a_socket(url) as listener:
        prompt_id = await posted(peers, url, sleeping())
        await listener.until(lambda said: said.data.get("value") == 2)
        path, body = {
            "all": ("interrupt", None),
            "by id": ("interrupt", {"prompt_id": prompt_id}),
            "job": (f"api/jobs/{prompt_id}/cancel", None),
            "jobs": ("api/jobs/cancel", {"job_ids": [prompt_id]}),
        }[way]
        answer = await peers.client.post(f"{url}/{path}", json=body)
        heard = await listener.run()
    made = await history(peers, url, prompt_id)
    (told,) = await peers.look("comfyui/1/prompts")

    assert answer.status_code == 200
    assert "job" not in way or answer.json() == {"cancelled": True}
    assert heard[-3].kind == "execution_interrupted"
    assert heard[-3].data["node_type"] == "SleepProgress"
    assert made is not None
    assert (made["status"]["status_str"], made["status"]["completed"]) == ("error", False)
    assert made["status"]["messages"][-1][0] == "execution_interrupted"
    assert (await _job(peers, url, prompt_id))["status"] == "cancelled"
    assert (told["status"], told["interrupted_at"] > 0) == ("interrupted", True)


async def test_interrupts_nobody_else(peers: Peers) -> None:
    """An id that does not run is ignored, and so is every interrupt of an idle server."""
    url = peers.comfyui[0]
    assert (await peers.client.post(f"{url}/interrupt")).status_code == 200
    await peers.control("comfyui/1", hold="PreviewAny")
    async with a_socket(url) as listener:
        running = await posted(peers, url, texting())
        waiting = await posted(peers, url, texting())
        await peers.client.post(f"{url}/interrupt", json={"prompt_id": waiting})
        unknown = await peers.client.post(f"{url}/api/jobs/{an_id()}/cancel")
        cancelled = await peers.client.post(f"{url}/api/jobs/{waiting}/cancel")
        await peers.control("comfyui/1", hold=None)
        await listener.run()

    assert unknown.json() == {"cancelled": False}
    assert cancelled.json() == {"cancelled": True}
    assert (await _job(peers, url, running))["status"] == "completed"
    assert (await peers.client.get(f"{url}/api/jobs/{waiting}")).status_code == 404


async def test_old_versions_interrupt_whatever_runs(peers: Peers) -> None:
    """Before 0.3.57 the id is not looked at."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", version="0.3.56", hold="PreviewAny")
    async with a_socket(url) as listener:
        await posted(peers, url, texting())
        await listener.until(lambda said: said.kind == "executing")
        await peers.client.post(f"{url}/interrupt", json={"prompt_id": an_id()})
        heard = await listener.run()

    assert heard[-3].kind == "execution_interrupted"


async def test_old_versions_have_no_jobs(peers: Peers) -> None:
    """Before 0.6 there are none, and before 0.26 none can be cancelled."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", version="0.3.64")
    for path in ("api/jobs", "api/jobs/x", "jobs", "nosuchpath"):
        answer = await peers.client.get(f"{url}/{path}")
        assert (answer.status_code, answer.content) == (404, b"")
    for path in ("api/jobs/x/cancel", "api/jobs/cancel", "nosuchpath"):
        answer = await peers.client.post(f"{url}/{path}")
        assert (answer.status_code, answer.text) == (405, "405: Method Not Allowed")


async def test_old_versions_call_a_cancelled_job_failed(peers: Peers) -> None:
    """`cancelled` came with 0.9."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", version="0.8.0", hold="PreviewAny")
    async with a_socket(url) as listener:
        prompt_id = await posted(peers, url, texting())
        await listener.until(lambda said: said.kind == "executing")
        await peers.client.post(f"{url}/interrupt")
        await listener.run()

    assert (await _job(peers, url, prompt_id))["status"] == "failed"


@pytest.mark.parametrize(("version", "os"), [("0.30.2", "linux"), ("0.3.64", "posix")])
async def test_tells_about_itself(peers: Peers, version: str, os: str) -> None:
    """Its version and its memory, and what it can."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", version=version)
    stats = (await peers.client.get(f"{url}/api/system_stats")).json()
    features = (await peers.client.get(f"{url}/api/features")).json()
    info = (await peers.client.get(f"{url}/object_info/KSampler")).json()

    assert (stats["system"]["comfyui_version"], stats["system"]["os"]) == (version, os)
    assert stats["devices"][0]["vram_free"] <= stats["devices"][0]["vram_total"]
    assert ("assets" in features) is (version == "0.30.2")
    assert info["KSampler"]["input"]["required"]["seed"][1]["max"] == 2**64 - 1
    assert (await peers.client.get(f"{url}/object_info/Nothing")).json() == {}


async def test_lists_jobs(peers: Peers) -> None:
    """Newest first, by status and in pages, running and waiting ones as well."""
    url = peers.comfyui[0]
    async with a_socket(url) as listener:
        done = await posted(peers, url, texting("done"))
        await listener.run()
        broken = await posted(peers, url, sleeping(fail_at_step=0))
        await listener.run()
        await peers.control("comfyui/1", hold="PreviewAny")
        running = await posted(peers, url, texting("running"), number=1)
        await listener.until(lambda said: said.kind == "executing")
        waiting = await posted(peers, url, texting("waiting"), number=2)
    states = {done: "completed", broken: "failed", running: "in_progress", waiting: "pending"}

    assert await _jobs(peers, url) == states
    for prompt_id, status in states.items():
        assert await _jobs(peers, url, status=status) == {prompt_id: status}
    assert len(await _jobs(peers, url, sort_by="execution_duration", sort_order="asc")) == 4
    assert await _jobs(peers, url, workflow_id="x") == {}
    page = (await peers.client.get(f"{url}/api/jobs?limit=1&offset=1")).json()
    assert page["pagination"] == {"offset": 1, "limit": 1, "total": 4, "has_more": True}
    assert (await _job(peers, url, broken))["execution_error"]["node_id"] == "1"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (
            "status=RUNNING,failed",
            (
                "Invalid status value(s): running. Valid values: pending, in_progress, completed, "
                "failed, cancelled"
            ),
        ),
        ("limit=0", "limit must be a positive integer"),
        ("offset=x", "offset must be a non-negative integer"),
    ],
)
async def test_refuses_senseless_queries(peers: Peers, query: str, words: str) -> None:
    """A status that there is not, and numbers that are none."""
    answer = await peers.client.get(f"{peers.comfyui[0]}/api/jobs?{query}")

    assert (answer.status_code, answer.json()) == (400, {"error": words})


async def test_refuses_to_cancel_what_is_no_id(peers: Peers) -> None:
    """Nothing is cancelled then."""
    url = f"{peers.comfyui[0]}/api/jobs/cancel"
    answer = await peers.client.post(url, json={"job_ids": ["x"]})

    words: Json = {"error": "job_ids contains invalid id(s)", "invalid_ids": ["x"]}
    assert (answer.status_code, answer.json()) == (400, words)


async def test_forgets_history(peers: Peers) -> None:
    """By id or all; pages of it count from the oldest."""
    url, done = peers.comfyui[0], list[str]()
    async with a_socket(url) as listener:
        for text in "abcd":
            done.append(await posted(peers, url, texting(text)))
            await listener.run()
    assert list((await peers.client.get(f"{url}/history?max_items=2")).json()) == done[2:]
    page = await peers.client.get(f"{url}/history?max_items=1&offset=1")
    assert list(page.json()) == done[1:2]
    assert (await peers.client.get(f"{url}/history?max_items=abc")).status_code == 500

    await peers.client.post(f"{url}/history", json={"delete": [done[0], "x"]})
    assert list((await peers.client.get(f"{url}/history")).json()) == done[1:]
    await peers.client.post(f"{url}/history", json={"clear": True})
    assert (await peers.client.get(f"{url}/history")).json() == {}


async def test_frees_its_memory(peers: Peers) -> None:
    """What was cached is made again."""
    url = peers.comfyui[0]
    async with a_socket(url) as listener:
        for body in ({"unload_models": True}, {"free_memory": True}):
            await posted(peers, url, texting())
            await listener.run()
            await peers.client.post(f"{url}/free", json=body)
        await posted(peers, url, texting())
        await listener.run()
    cached = [one.data["nodes"] for one in listener.heard if one.kind == "execution_cached"]

    assert cached == [[], ["1"], []]


@pytest.mark.parametrize(
    "times",
    [
        {"seconds": 1_000},
        {"node_seconds": {"KSampler": 1_000}},
        {"node_seconds": {"SaveImage": 1_000}},
    ],
)
async def test_takes_the_time_it_is_told_to(peers: Peers, times: dict[str, object]) -> None:
    """Samplers share the time of a prompt; a class of nodes may have a time of its own."""
    url = peers.comfyui[0]
    slow = "9" if "SaveImage" in str(times) else "3"
    await peers.control("comfyui/1", **times)
    async with a_socket(url) as listener:
        prompt_id = await posted(peers, url, sampling())
        await listener.until(lambda said: said.kind == "executing" and said.data["node"] == slow)
        # Whatever was quick has been told of by the time that this is answered.
        assert await history(peers, url, prompt_id) is None
        (told,) = await peers.look("comfyui/1/prompts")

    assert (told["status"], told["ran"][-1]) == ("running", slow)


async def _job(peers: Peers, url: str, prompt_id: str) -> Json:
    answer = await peers.client.get(f"{url}/api/jobs/{prompt_id}")
    return answer.raise_for_status().json()


async def _jobs(peers: Peers, url: str, **query: str) -> dict[str, str]:
    answer = await peers.client.get(f"{url}/api/jobs", params=query)
    return {one["id"]: one["status"] for one in answer.raise_for_status().json()["jobs"]}
