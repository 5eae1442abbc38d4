-- The parameter is the event, as the verification node passes it on: id, type, timestamp, data.
-- Always one row comes back: how many rows were written. A repeat, and what is older than what is there, writes none.
WITH event AS (
    SELECT e, e -> 'data' AS r FROM (SELECT $1::jsonb AS e) AS given
), saved AS (
    INSERT INTO job_queue (
        id, kind, version, job_id, user_id, engine, preset, status, status_reason, ended_by, progress, attempt, run_id,
        price, cost_usd, duration_seconds, requested_at, queued_at, started_at, ended_at, history,
        event, event_id, event_at, record
    )
    SELECT
        r ->> 'id', split_part(e ->> 'type', '.', 1), (r ->> 'version')::integer,
        r ->> 'jobId', coalesce(r #>> '{metadata,userId}', r ->> 'userId'), r ->> 'engine',
        coalesce(r #>> '{metadata,preset}', r #>> '{steps,0,preset}'),
        r ->> 'status', r ->> 'statusReason', r ->> 'endedBy',
        (r ->> 'progress')::double precision, (r ->> 'attempt')::integer, r #>> '{metadata,run_id}',
        (r ->> 'price')::numeric, (r ->> 'costUsd')::numeric, (r ->> 'durationSeconds')::double precision,
        coalesce(r ->> 'requestTimestamp', r ->> 'createdAt')::timestamptz,
        (r ->> 'queuedAt')::timestamptz, (r ->> 'startedAt')::timestamptz,
        coalesce(r ->> 'responseTimestamp', r ->> 'endedAt')::timestamptz,
        coalesce(r -> 'history', '[]'), e ->> 'type', e ->> 'id', (e ->> 'timestamp')::timestamptz, r
    FROM event
    WHERE split_part(e ->> 'type', '.', 1) IN ('generation', 'job')
    ON CONFLICT (id) DO UPDATE SET
        kind = EXCLUDED.kind, version = EXCLUDED.version, job_id = EXCLUDED.job_id, user_id = EXCLUDED.user_id,
        engine = EXCLUDED.engine, preset = EXCLUDED.preset, status = EXCLUDED.status,
        status_reason = EXCLUDED.status_reason, ended_by = EXCLUDED.ended_by, progress = EXCLUDED.progress,
        attempt = EXCLUDED.attempt, run_id = EXCLUDED.run_id, price = EXCLUDED.price, cost_usd = EXCLUDED.cost_usd,
        duration_seconds = EXCLUDED.duration_seconds, requested_at = EXCLUDED.requested_at,
        queued_at = EXCLUDED.queued_at, started_at = EXCLUDED.started_at, ended_at = EXCLUDED.ended_at,
        history = EXCLUDED.history, event = EXCLUDED.event, event_id = EXCLUDED.event_id,
        event_at = EXCLUDED.event_at, record = EXCLUDED.record, saved_at = now()
    WHERE job_queue.version < EXCLUDED.version
    RETURNING 1
), logged AS (
    INSERT INTO model_usage_log (
        generation_id, run_id, node_id, version, engine, models, milliseconds, cost_usd, logged_at
    )
    SELECT
        r ->> 'id', r #>> '{metadata,run_id}', '', (r ->> 'version')::integer, r ->> 'engine',
        array_remove(ARRAY[
            r #>> '{requestPayload,model}', r #>> '{requestPayload,version}',
            r #>> '{requestPayload,deployment_id}', r #>> '{requestPayload,workflow}'
        ], NULL),
        round((r ->> 'durationSeconds')::numeric * 1000)::bigint, (r ->> 'costUsd')::numeric,
        coalesce(r ->> 'responseTimestamp', e ->> 'timestamp')::timestamptz
    FROM event
    WHERE e ->> 'type' IN ('generation.completed', 'generation.failed', 'generation.cancelled')
        AND r #>> '{metadata,run_id}' IS NOT NULL
    ON CONFLICT (generation_id, run_id, node_id) DO UPDATE SET
        version = EXCLUDED.version, models = EXCLUDED.models, milliseconds = EXCLUDED.milliseconds,
        cost_usd = EXCLUDED.cost_usd, logged_at = EXCLUDED.logged_at
    WHERE model_usage_log.version < EXCLUDED.version
    RETURNING 1
)
SELECT (SELECT count(*) FROM saved) AS saved, (SELECT count(*) FROM logged) AS logged;
