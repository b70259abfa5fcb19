-- The funnel for all time and for the last day and the last 30 days of the data. A window reaches back from the newest
-- session_start, its far edge included: whole days come from session_days, the day that the edge cuts from `sessions`.
WITH days AS (
    SELECT
        day,
        sum(sessions) AS sessions,
        sum(cart_sessions) AS cart_sessions,
        sum(abandoned_sessions) AS abandoned_sessions,
        sum(purchase_sessions) AS purchase_sessions,
        sum(total_purchases) AS total_purchases,
        sum(items_purchased) AS items_purchased
    FROM session_days
    GROUP BY day
),
newest AS MATERIALIZED (
    SELECT max(session_start) AS at
    FROM sessions
    WHERE session_start >= (SELECT to_timestamp(max(day)::float8 * 86400) FROM days WHERE sessions > 0)
),
edges AS (
    SELECT name, at - reach AS since, floor(extract(epoch FROM at - reach) / 86400)::int AS day
    FROM newest, (VALUES ('all_time', NULL), ('last_day', interval '1 day'), ('last_month', interval '30 days'))
        AS windows (name, reach)
),
parts AS (
    SELECT name, days.sessions, cart_sessions, abandoned_sessions, purchase_sessions, total_purchases, items_purchased
    FROM edges JOIN days ON edges.day IS NULL OR days.day > edges.day
    UNION ALL
    SELECT name, cut.*
    FROM edges CROSS JOIN LATERAL (
        SELECT
            count(*),
            count(*) FILTER (WHERE cart_count > 0),
            count(*) FILTER (WHERE cart_count > 0 AND NOT converted),
            count(*) FILTER (WHERE converted),
            coalesce(sum(transaction_count), 0),
            coalesce(sum(cardinality(items_purchased)), 0)
        FROM sessions
        WHERE session_start >= since AND session_start < to_timestamp((edges.day + 1)::float8 * 86400)
    ) AS cut
    WHERE since IS NOT NULL
)
SELECT
    name,
    coalesce(sum(sessions), 0)::bigint,
    coalesce(sum(cart_sessions), 0)::bigint,
    coalesce(sum(abandoned_sessions), 0)::bigint,
    coalesce(sum(purchase_sessions), 0)::bigint,
    coalesce(sum(total_purchases), 0)::bigint,
    coalesce(sum(items_purchased), 0)::bigint
FROM edges LEFT JOIN parts USING (name)
GROUP BY name
