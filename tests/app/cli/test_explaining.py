"""`runrelay explain`: one generation on one page."""

from tests.app.cli.running import Service, run


def test_a_life_is_told_in_order(service: Service, generation: str) -> None:
    """Facts, events, changes, cost and message are there, the changes in their order."""
    page = run("explain", generation, data_dir=service.data_dir).out

    assert "inputs     prompt=a lighthouse [red]at dusk, steps=20" in page
    assert "(by the engine's clock) x 0.000337 USD/second" in page
    places = [page.index(f"-> {each}:") for each in ("pending", "queued", "completed")]
    assert places == sorted(places)
    assert "webhook" in page


def test_no_token_and_no_key_is_shown(service: Service, generation: str) -> None:
    """The page can be sent to somebody who asks."""
    page = run("explain", generation, data_dir=service.data_dir).out

    secrets = (service.data_dir / "sandbox-secrets.json").read_text()
    assert "token=" not in page
    assert [each for each in secrets.split('"')[3::4] if each in page] == []


def test_a_generation_that_is_not_there_is_said_so(service: Service) -> None:
    """One sentence, and an exit code."""
    answer = run("explain", "0" * 32, data_dir=service.data_dir)

    assert (answer.code, answer.err.strip()) == (2, "no such generation")
