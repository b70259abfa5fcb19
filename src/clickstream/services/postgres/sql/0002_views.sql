-- Views for people with psql. Percentages are rounded to two digits; a rate of nothing is 0.

-- The funnel of each day (UTC) on which sessions began.
CREATE VIEW conversion_funnel AS
SELECT
    (session_start AT TIME ZONE 'UTC')::date AS day,
    count(*) AS sessions,
    count(*) FILTER (WHERE view_count > 0) AS view_sessions,
    count(*) FILTER (WHERE cart_count > 0) AS cart_sessions,
    count(*) FILTER (WHERE converted) AS purchase_sessions,
    sum(transaction_count) AS total_purchases,
    round(100.0 * count(*) FILTER (WHERE converted) / count(*), 2) AS conversion_rate,
    coalesce(
        round(
            100.0 * count(*) FILTER (WHERE cart_count > 0 AND NOT converted)
            / nullif(count(*) FILTER (WHERE cart_count > 0), 0),
            2
        ),
        0
    ) AS cart_abandonment
FROM sessions
GROUP BY 1
ORDER BY 1;

CREATE VIEW hourly_traffic AS
SELECT
    date_trunc('hour', event_time, 'UTC') AS hour,
    count(*) AS events,
    count(*) FILTER (WHERE event = 'view') AS views,
    count(*) FILTER (WHERE event = 'addtocart') AS carts,
    count(*) FILTER (WHERE event = 'transaction') AS transactions,
    count(DISTINCT visitor_id) AS visitors
FROM events
GROUP BY 1
ORDER BY 1;

CREATE VIEW item_metrics AS
SELECT
    item_id,
    count(*) FILTER (WHERE event = 'view') AS views,
    count(*) FILTER (WHERE event = 'addtocart') AS carts,
    count(*) FILTER (WHERE event = 'transaction') AS purchases,
    count(DISTINCT visitor_id) AS visitors,
    coalesce(
        round(
            100.0 * count(*) FILTER (WHERE event = 'addtocart') / nullif(count(*) FILTER (WHERE event = 'view'), 0), 2
        ),
        0
    ) AS view_to_cart_rate,
    coalesce(
        round(
            100.0 * count(*) FILTER (WHERE event = 'transaction')
            / nullif(count(*) FILTER (WHERE event = 'addtocart'), 0),
            2
        ),
        0
    ) AS cart_to_purchase_rate
FROM events
GROUP BY item_id;

-- The most viewed first; add a LIMIT. Counts no visitors, which makes it many times cheaper than item_metrics.
CREATE VIEW top_items AS
SELECT
    item_id,
    count(*) FILTER (WHERE event = 'view') AS views,
    count(*) FILTER (WHERE event = 'addtocart') AS carts,
    count(*) FILTER (WHERE event = 'transaction') AS purchases
FROM events
GROUP BY item_id
ORDER BY views DESC, item_id;

CREATE VIEW visitor_metrics AS
SELECT
    visitor_id,
    count(*) AS sessions,
    sum(event_count) AS events,
    sum(view_count) AS views,
    sum(cart_count) AS carts,
    sum(transaction_count) AS transactions,
    count(*) FILTER (WHERE converted) AS converted_sessions,
    min(session_start) AS first_seen,
    max(session_end) AS last_seen,
    round(avg(duration_seconds), 1) AS avg_duration_seconds
FROM sessions
GROUP BY visitor_id;
