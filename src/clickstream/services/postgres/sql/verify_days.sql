-- Days whose figures in session_days are not those of the stored sessions, or the other way round: how many, and some
-- of them. Parameter: how many to give as examples.
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
),
differing AS (
    SELECT day, kept, counted
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
)
SELECT count(*), (
    SELECT coalesce(jsonb_agg(jsonb_build_object('stored', stored, 'expected', expected)), '[]')
    FROM (
        SELECT to_jsonb(kept) || date AS stored, to_jsonb(counted) || date AS expected
        FROM differing, LATERAL (SELECT jsonb_build_object('day', DATE '1970-01-01' + day) AS date) AS dated
        ORDER BY day
        LIMIT %(most_examples)s
    ) AS shown
)
FROM differing
