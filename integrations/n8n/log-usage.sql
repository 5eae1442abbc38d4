-- The parameters are the event, as the verification node passes it on, and what GET /api/generations/ID/usage answered.
-- Always one row comes back: how many nodes were written. A node that is there already is left as it is.
WITH given AS (
    SELECT $1::jsonb -> 'data' AS r, $2::jsonb -> 'items' AS nodes
), logged AS (
    INSERT INTO model_usage_log (
        generation_id, run_id, node_id, version, engine, server, class, models, milliseconds, cached, logged_at
    )
    SELECT
        r ->> 'id', node ->> 'runId', node ->> 'nodeId', (r ->> 'version')::integer, r ->> 'engine',
        node ->> 'server', node ->> 'class', ARRAY(SELECT jsonb_array_elements_text(node -> 'models')),
        (node ->> 'milliseconds')::bigint, (node ->> 'cached')::boolean, (node ->> 'at')::timestamptz
    FROM given, jsonb_array_elements(nodes) AS node
    ON CONFLICT (generation_id, run_id, node_id) DO NOTHING
    RETURNING 1
)
SELECT count(*) AS logged FROM logged;
