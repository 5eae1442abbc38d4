"""What is counted of live streams."""

from app.observability.metrics import Metrics


def test_live_streams_are_counted() -> None:
    """Readers, what they were told, what was passed over, and who began anew and why."""
    metrics = Metrics()
    metrics.live_readers(3)
    metrics.live_told(5)
    metrics.live_skipped(2)
    metrics.live_resync("lost")
    shown = metrics.render().decode()

    assert "runrelay_live_readers 3.0" in shown
    assert "runrelay_live_states_total 5.0" in shown
    assert "runrelay_live_states_skipped_total 2.0" in shown
    assert 'runrelay_live_resyncs_total{reason="lost"} 1.0' in shown
