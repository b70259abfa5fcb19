-- The funnel for all time and for the last day and the last 30 days of the data, in one pass over `sessions`.
-- A window reaches back from the newest session_start, its far edge included.
WITH edges AS (
    SELECT
        name,
        (SELECT max(session_start) FROM sessions) - reach AS since
    FROM (
        VALUES ('all_time', NULL), ('last_day', interval '1 day'), ('last_month', interval '30 days')
    ) AS windows (name, reach)
),
days AS (
    -- Sessions in one row for each set of windows they lie in: the pass over `sessions` happens once.
    SELECT
        session_start >= (SELECT since FROM edges WHERE name = 'last_day') AS in_day,
        session_start >= (SELECT since FROM edges WHERE name = 'last_month') AS in_month,
        count(*) AS sessions,
        count(*) FILTER (WHERE cart_count > 0) AS cart_sessions,
        count(*) FILTER (WHERE cart_count > 0 AND NOT converted) AS abandoned_sessions,
        count(*) FILTER (WHERE converted) AS purchase_sessions,
        coalesce(sum(transaction_count), 0) AS total_purchases,
        coalesce(sum(cardinality(items_purchased)) FILTER (WHERE converted), 0) AS items_purchased
    FROM sessions
    GROUP BY 1, 2
)
SELECT
    name,
    coalesce(sum(sessions), 0)::bigint,
    coalesce(sum(cart_sessions), 0)::bigint,
    coalesce(sum(abandoned_sessions), 0)::bigint,
    coalesce(sum(purchase_sessions), 0)::bigint,
    coalesce(sum(total_purchases), 0)::bigint,
    coalesce(sum(items_purchased), 0)::bigint
FROM edges
LEFT JOIN days ON name = 'all_time' OR (name = 'last_day' AND in_day) OR (name = 'last_month' AND in_month)
GROUP BY name
