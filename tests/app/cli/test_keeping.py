"""`runrelay indexes`, `migrate`, `backup` and `restore`."""

from pathlib import Path

from tests.app.cli.running import Service, run


def test_a_backup_of_a_running_service_is_restored_elsewhere(
    service: Service, generation: str, tmp_path: Path
) -> None:
    """The whole round: the generation is explained from the restored database."""
    file = tmp_path / "one.backup"
    elsewhere = tmp_path / "elsewhere"

    saved = run("backup", str(file), data_dir=service.data_dir)
    restored = run("restore", str(file), data_dir=elsewhere)

    assert (saved.code, restored.code) == (0, 0), saved.err + restored.err
    assert "documents (" in saved.out
    assert "were restored from" in restored.out
    assert generation in run("explain", generation, data_dir=elsewhere).out


def test_nothing_is_restored_under_a_running_service(service: Service, tmp_path: Path) -> None:
    """The service would go on with what it remembers."""
    answer = run("restore", str(tmp_path / "any"), "--replace", data_dir=service.data_dir)

    assert answer.code == 2
    assert "is in use by pid" in answer.err


def test_a_file_that_is_no_backup_is_refused(tmp_path: Path) -> None:
    """One sentence, and the database is as it was."""
    file = tmp_path / "picture.png"
    file.write_bytes(b"\x89PNG")

    answer = run("restore", str(file), data_dir=tmp_path / "data")

    assert answer.code == 2
    assert "nothing was restored" in answer.err


def test_indexes_and_migrate_say_what_they_did(service: Service) -> None:
    """Both work beside the service; there is nothing to migrate, and that is said."""
    indexes = run("indexes", data_dir=service.data_dir)
    migrate = run("migrate", data_dir=service.data_dir)

    assert "idempotencyKey_1" in indexes.out
    assert migrate.out.startswith("Nothing to migrate")
