-- Stands after compared_sessions.sql.
SELECT
    coalesce(sum(event_count), 0)::bigint AS events,
    count(*) FILTER (WHERE fault IS DISTINCT FROM 'missing') AS sessions_stored,
    count(*) FILTER (WHERE fault IS DISTINCT FROM 'unexpected') AS sessions_expected,
    count(*) FILTER (WHERE fault = 'missing') AS missing,
    count(*) FILTER (WHERE fault = 'unexpected') AS unexpected,
    count(*) FILTER (WHERE fault = 'different') AS different
FROM compared
