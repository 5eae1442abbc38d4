"""Every limit and interval there is, in one record given by the composition root."""

from datetime import timedelta

from schemas.base import Value


class Timing(Value):
    """Every limit and interval there is, so that tests can shrink them."""

    lease: timedelta = timedelta(seconds=75)
    """How long a claim holds."""
    submit_limit: timedelta = timedelta(seconds=60)
    """Longest wait for the answer to a submit; the peer may redeploy inside it."""
    call_limit: timedelta = timedelta(seconds=15)
    """Longest wait for any other answer of an engine."""
    object_info_limit: timedelta = timedelta(seconds=60)
    """Longest wait for the list of a ComfyUI server's nodes, which reads folders of models."""
    upload_limit: timedelta = timedelta(seconds=60)
    """Longest wait until a picture has arrived at an engine, within the lease of a submit."""
    look_limit: timedelta = timedelta(seconds=30)
    """Longest one look for a lost submit takes, well within the lease of its claim."""
    send_limit: timedelta = timedelta(seconds=30)
    """Longest wait for an answer of Telegram."""
    keep_limit: timedelta = timedelta(seconds=60)
    """Longest one output takes until it is copied, within the lease of its claim."""
    unknown_submit: timedelta = timedelta(minutes=15)
    """After this, a submit whose fate is unknown has failed."""
    cancel_grace: timedelta = timedelta(seconds=60)
    """After this without the engine's word, a cancel is ours to say."""
    ask_waiting: timedelta = timedelta(seconds=60)
    """Silence after which a run that waits is asked about."""
    ask_running: timedelta = timedelta(seconds=30)
    """Silence after which a run that runs is asked about."""
    ask_most: timedelta = timedelta(minutes=5)
    """Longest silence between two asks."""
    grace: timedelta = timedelta(hours=1)
    """After an end said by us: how long a person's credits stay held for the engine's word."""
    cost_wait: timedelta = timedelta(seconds=60)
    """How long a price that follows the cost waits for a cost that is not known."""
    continue_within: timedelta = timedelta(hours=24)
    """How long a job that waits for its person's word to go on waits for it."""
    stuck_due: timedelta = timedelta(minutes=5)
    """What should have happened so long ago, and has not, is stuck."""
    stuck_still: timedelta = timedelta(minutes=15)
    """A job that has not changed for so long is looked at whether it is stuck."""
    stuck_given_up: timedelta = timedelta(hours=24)
    """How long something that was given up counts as stuck; it stays to be replayed."""
    limit_waiting: timedelta = timedelta(hours=6)
    limit_running: timedelta = timedelta(minutes=30)
    socket_open_limit: timedelta = timedelta(seconds=10)
    """Longest wait until a ComfyUI server's socket is open."""
    socket_ping_every: timedelta = timedelta(seconds=10)
    """How often it is tried whether a socket still leads anywhere."""
    socket_ping_limit: timedelta = timedelta(seconds=5)
    """Longest wait for the answer to that."""
    socket_close_limit: timedelta = timedelta(seconds=2)
    """Longest wait for a server to close a socket that we close."""
    socket_lasting: timedelta = timedelta(seconds=10)
    """A socket that was open for so long is no failed try."""
    socket_retry: tuple[timedelta, ...] = (
        timedelta(milliseconds=200),
        timedelta(milliseconds=400),
        timedelta(milliseconds=800),
        timedelta(milliseconds=1600),
        timedelta(milliseconds=3200),
        timedelta(milliseconds=6400),
        timedelta(seconds=10),
    )
    """Waits between tries to open it again; the last one repeats."""
    sweep_every: timedelta = timedelta(seconds=1)
    inbox_stale: timedelta = timedelta(seconds=2)
    """Age at which an unapplied batch is anybody's to apply."""
    progress_every: timedelta = timedelta(milliseconds=500)
    """At most one change of nothing but progress in this time, per run."""
    edit_every: timedelta = timedelta(seconds=3)
    """At most one edit of a status message in this time, per chat."""
    accept_limit: timedelta = timedelta(seconds=15)
    """Longest a sender waits while the inbox cannot be written."""
    accept_again: timedelta = timedelta(seconds=3)
    """The same for one that tries again for longer than a moment."""
    attend_limit: timedelta = timedelta(seconds=8)
    """Longest a sender waits until what its webhook brings is done, on a host without background:
    ComfyDeploy gives up after 20 s, and begins anew."""
    call_over: timedelta = timedelta(seconds=5)
    """How much longer than its budget a call keeps others from doing the same."""
    update_limit: timedelta = timedelta(seconds=3)
    """Longest Telegram waits while its update cannot be written."""
    handle_limit: timedelta = timedelta(seconds=45)
    """Longest an update may take to be handled, within the lease of its claim."""
    poll_wait: timedelta = timedelta(seconds=25)
    """Longest Telegram holds a question for updates back where there are none."""
    webhook_every: timedelta = timedelta(minutes=1)
    """How often Telegram is asked whether our webhook stands as it should."""
    wake_limit: timedelta = timedelta(seconds=2)
    """Longest wait for Redis, to connect or to answer; nobody but the waker itself waits."""
    wake_quiet: timedelta = timedelta(seconds=10)
    """After so long without a word, Redis is asked whether it is there."""
    clock_every: timedelta = timedelta(seconds=30)
    sender_lease: timedelta = timedelta(seconds=15)
    server_lease: timedelta = timedelta(seconds=15)
    """How long one process has the duty of a server without renewing it."""
    health_every: timedelta = timedelta(seconds=5)
    """How often a server is asked whether it is well."""
    health_limit: timedelta = timedelta(seconds=5)
    """Longest wait for a server's word that it is well."""
    server_gone: timedelta = timedelta(seconds=60)
    """A server that was not reached for so long is gone: its runs are tried at another."""
    another_server: timedelta = timedelta(minutes=10)
    """Longest wait of a run that failed for the moment for a server where it has not been."""
    relist_every: timedelta = timedelta(seconds=10)
    """How often it is looked whether there are runs at a server that nobody follows."""
    tidy_every: timedelta = timedelta(seconds=30)
    """How often it is looked what a server has to do that nobody waits for."""
    history_every: timedelta = timedelta(seconds=10)
    """How often a server is asked about each run that it has."""
    history_down: timedelta = timedelta(seconds=2)
    """The same while its socket is down, or tells somebody else."""
    place_every: timedelta = timedelta(seconds=1)
    """How often it is looked whether a run that waits can be given a server."""
    line_every: timedelta = timedelta(seconds=5)
    """How often places in the line are told anew."""
    probe_every: timedelta = timedelta(seconds=15)
    """While a peer is down: how often it is tried."""
    retry: tuple[timedelta, ...] = (
        timedelta(seconds=1),
        timedelta(seconds=5),
        timedelta(seconds=30),
        timedelta(minutes=2),
        timedelta(minutes=10),
        timedelta(hours=1),
        timedelta(hours=6),
    )
    """Waits between tries; the last one repeats."""
    retry_inward_most: timedelta = timedelta(hours=1)
    """Longest wait between tries of a debt to ourselves, which never dies."""
    gives_up: timedelta = timedelta(hours=24)
    """Sum of waits after which an outward debt dies."""
    hook_limit: timedelta = timedelta(seconds=15)
    """Longest wait for the answer to an outgoing webhook."""
    hook_fresh: timedelta = timedelta(seconds=3)
    """How old may be what is known of who listens."""
    hook_failing: timedelta = timedelta(hours=12)
    """An endpoint of outgoing webhooks that has failed for so long is paused."""
    hook_kept: timedelta = timedelta(days=3)
    """How long what is owed to a paused endpoint is kept, from when it happened."""
    hook_progress: timedelta = timedelta(seconds=1)
    """At most one message of nothing but progress in this time, per run."""
    end_tries: int = 6
    """Tries to have an end confirmed before it stands unconfirmed."""
    live_batch: timedelta = timedelta(milliseconds=20)
    """Changes that come within it of others are told to readers together with the next."""
    live_preview_every: timedelta = timedelta(milliseconds=500)
    """At most one word of a new preview in this time, per generation."""
    live_beat: timedelta = timedelta(seconds=15)
    """How often readers are told that we are there, and it is asked whether they may still read."""
    live_look: timedelta = timedelta(seconds=1)
    """How often it is looked whose time is over, and who does not read."""
    live_unread: timedelta = timedelta(seconds=30)
    """After so long without reading anything, a reader is cut off."""
    live_idle: timedelta = timedelta(seconds=30)
    """How long changes are still followed after the last reader has gone."""
    live_open: timedelta = timedelta(seconds=5)
    """Longest that a reader waits until changes are followed."""
    live_resume: timedelta = timedelta(minutes=15)
    """A reader that was away for longer is shown everything anew: that is less work."""
