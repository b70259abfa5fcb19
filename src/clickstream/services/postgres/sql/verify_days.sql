-- How many days have figures in session_days that the stored sessions do not have, or the other way round.
WITH kept AS (
    SELECT
        day, sum(events) AS events, sum(sessions) AS sessions, sum(cart_sessions) AS cart_sessions,
        sum(abandoned_sessions) AS abandoned_sessions, sum(purchase_sessions) AS purchase_sessions,
        sum(total_purchases) AS total_purchases, sum(items_purchased) AS items_purchased
    FROM session_days
    GROUP BY day
),
counted AS (
    SELECT
        floor(extract(epoch FROM session_start) / 86400)::int AS day,
        sum(event_count) AS events, count(*) AS sessions, count(*) FILTER (WHERE cart_count > 0) AS cart_sessions,
        count(*) FILTER (WHERE cart_count > 0 AND NOT converted) AS abandoned_sessions,
        count(*) FILTER (WHERE converted) AS purchase_sessions, sum(transaction_count) AS total_purchases,
        sum(cardinality(items_purchased)) AS items_purchased
    FROM sessions
    GROUP BY 1
)
SELECT count(*)
FROM counted FULL JOIN kept USING (day)
WHERE (
    coalesce(kept.events, 0), coalesce(kept.sessions, 0), coalesce(kept.cart_sessions, 0),
    coalesce(kept.abandoned_sessions, 0), coalesce(kept.purchase_sessions, 0), coalesce(kept.total_purchases, 0),
    coalesce(kept.items_purchased, 0)
) IS DISTINCT FROM (
    coalesce(counted.events, 0), coalesce(counted.sessions, 0), coalesce(counted.cart_sessions, 0),
    coalesce(counted.abandoned_sessions, 0), coalesce(counted.purchase_sessions, 0),
    coalesce(counted.total_purchases, 0), coalesce(counted.items_purchased, 0)
)
