"""What a running service refuses: the paused, the capped, and who has ordered enough."""

import shlex
from pathlib import Path
from typing import Final

import httpx

from tests.app.cli.running import Service, run

EXAMPLES: Final = Path(__file__).parents[3] / "examples" / "presets.yaml"
ORDER: Final = {
    "engine": "comfydeploy",
    "deployment_id": "c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11",
    "inputs": {"prompt": "a lighthouse", "sandbox_seconds": 0.1},
}


def a_client(service: Service) -> httpx.Client:
    """A program with the service's key."""
    line = next(each for each in service.said.splitlines() if each.startswith("curl "))
    key = next(each for each in shlex.split(line) if each.startswith("Authorization: "))
    headers = dict([key.split(": ", 1)])
    return httpx.Client(base_url=service.url, headers=headers, trust_env=False)


def test_an_engine_is_paused_beside_the_service(service: Service) -> None:
    """The next order is refused with the reason; the one after it is resumed is taken."""
    with a_client(service) as client:
        run("pause", "engine", "comfydeploy", "--reason", "ill", data_dir=service.data_dir)
        try:
            refused = client.post("/api/generations", json=ORDER)
            shown = client.get("/api/controls/engine/comfydeploy")
        finally:
            run("resume", "engine", "comfydeploy", data_dir=service.data_dir)
        taken = client.post("/api/generations", json=ORDER)

    assert (refused.status_code, refused.json()["reason"]) == (503, "paused")
    assert refused.json()["detail"].endswith("ill")
    assert (shown.json()["paused"], shown.json()["by"].startswith("cli:")) == (True, True)
    assert taken.status_code == 201


def test_who_has_ordered_enough_waits(service: Service) -> None:
    """Three at once are taken, the fourth is 429; an administrator has no limits."""
    run("presets", "load", str(EXAMPLES), "--yes", data_dir=service.data_dir)
    with a_client(service) as client:
        person = client.post("/api/users/register", json={"telegramId": 816}).json()
        client.post(f"/api/users/{person['id']}/grant", json={"amount": "1000"})
        order = {
            "user": person["id"],
            "preset": "t2i",
            "inputs": {"prompt": "a lighthouse at dusk"},
        }
        answers = [client.post("/api/jobs/create", json=order) for _ in range(4)]
        run("users", "role", "816", "admin", data_dir=service.data_dir)
        free = client.post("/api/jobs/create", json=order)
        run("users", "block", "816", data_dir=service.data_dir)
        blocked = client.post("/api/jobs/create", json=order)
        waits = client.post(f"/api/users/{person['id']}/forget")

    assert [each.status_code for each in answers] == [201, 201, 201, 429], answers[0].text
    assert answers[3].json()["reason"] == "limit_reached"
    assert (free.status_code, blocked.json()["reason"]) == (201, "user_blocked")
    assert waits.status_code == 409
