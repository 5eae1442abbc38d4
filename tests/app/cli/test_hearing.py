"""`runrelay events`: what engines have told us."""

from pathlib import Path

from tests.app.cli.running import Service, run


def test_events_are_listed_by_generation(service: Service, generation: str) -> None:
    """Every event of it is a line."""
    listed = run("events", "list", "--generation", generation, data_dir=service.data_dir)

    lines = listed.out.splitlines()[1:]
    assert lines
    assert all(generation in each for each in lines)
    assert any("completed" in each for each in lines)


def test_replayed_events_change_nothing(service: Service, generation: str) -> None:
    """They are marked to be applied once more, and give the same record."""
    before = run("explain", generation, data_dir=service.data_dir).out

    answer = run("events", "replay", "--generation", generation, data_dir=service.data_dir)

    assert "events are applied again" in answer.out
    after = run("explain", generation, data_dir=service.data_dir).out
    assert after.split("What happened")[0] == before.split("What happened")[0]


def test_events_since_a_time_are_replayed(service: Service, generation: str) -> None:
    """An age chooses a range."""
    answer = run("events", "replay", "--since", "1h", data_dir=service.data_dir)

    assert generation
    assert not answer.out.startswith("0 events")


def test_a_replay_of_everything_must_be_meant(service: Service) -> None:
    """Neither a generation nor a time is a slip."""
    assert run("events", "replay", data_dir=service.data_dir).code == 2


def test_a_time_that_is_none_is_refused(service: Service) -> None:
    """The sentence shows what can be given."""
    answer = run("events", "list", "--since", "yesterday", data_dir=service.data_dir)

    assert answer.code == 2
    assert answer.err.startswith("--since: yesterday")


def test_a_time_without_events_says_so(service: Service) -> None:
    """An empty answer is no puzzle."""
    answer = run("events", "list", "--since", "2100-01-01", data_dir=service.data_dir)

    assert "no events since 2100-01-01" in answer.out


def test_events_are_listed_while_no_service_runs(tmp_path: Path) -> None:
    """The database is started for the moment and left as it was."""
    answer = run("events", "list", data_dir=tmp_path)

    assert (answer.code, "no events since" in answer.out) == (0, True)
