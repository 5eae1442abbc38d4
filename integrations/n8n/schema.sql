-- The tables that save-status.json fills. Run it once, and again whenever you like: what is there stays.

CREATE TABLE IF NOT EXISTS job_queue (
    id               text PRIMARY KEY,                -- of a generation, or of a job
    kind             text NOT NULL CHECK (kind IN ('generation', 'job')),
    version          integer NOT NULL,                -- rises with every change; an older one never replaces a newer one
    job_id           text,                            -- the job that a generation is a part of
    user_id          text,
    engine           text,
    preset           text,
    status           text NOT NULL,
    status_reason    text,
    ended_by         text,                            -- engine; or us, and then a newer version may come
    progress         double precision,                -- 0 to 1
    attempt          integer,
    run_id           text,                            -- the engine's name of the run
    price            numeric,                         -- credits
    cost_usd         numeric,
    duration_seconds double precision,
    requested_at     timestamptz,
    queued_at        timestamptz,
    started_at       timestamptz,
    ended_at         timestamptz,
    history          jsonb NOT NULL DEFAULT '[]',     -- the last 20 statuses, each with its time and who said so
    event            text NOT NULL,                   -- what this version was told as, such as generation.completed
    event_id         text NOT NULL,                   -- the webhook-id that it came with
    event_at         timestamptz NOT NULL,
    record           jsonb NOT NULL,                  -- all of it, as GET shows it
    saved_at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS job_queue_status ON job_queue (status, requested_at);
CREATE INDEX IF NOT EXISTS job_queue_user ON job_queue (user_id, requested_at);
CREATE INDEX IF NOT EXISTS job_queue_job ON job_queue (job_id);

CREATE TABLE IF NOT EXISTS model_usage_log (
    generation_id text NOT NULL,
    run_id        text NOT NULL,
    node_id       text NOT NULL,                      -- empty: the run as a whole
    version       integer NOT NULL,                   -- of the generation, when this was written
    engine        text NOT NULL,
    server        text,
    class         text,                               -- what the node does; null for the run as a whole
    models        text[] NOT NULL,                    -- of the run as a whole: the model, deployment or workflow
    milliseconds  bigint,
    cached        boolean NOT NULL DEFAULT false,
    cost_usd      numeric,                            -- of the run as a whole; null for nodes, and where it is not known
    logged_at     timestamptz NOT NULL,
    PRIMARY KEY (generation_id, run_id, node_id)
);
CREATE INDEX IF NOT EXISTS model_usage_log_at ON model_usage_log (logged_at);
CREATE INDEX IF NOT EXISTS model_usage_log_models ON model_usage_log USING gin (models);
