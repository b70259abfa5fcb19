-- Promise 2 as a query: sessions computed from `events` alone (gaps and islands), beside the stored ones, both ways.
-- Stands before a SELECT from `compared`: one row a session, `fault` null where all is as it should be.
-- Parameters: timeout_ms, the session timeout (neighbours exactly that far apart stay together); least and most, the
-- visitors to look at.
WITH neighbours AS (
    SELECT
        visitor_id, event_time, event, item_id,
        coalesce(
            event_time - lag(event_time) OVER visits > make_interval(secs => %(timeout_ms)s / 1000.0), true
        ) AS opens
    FROM events
    WHERE visitor_id BETWEEN %(least)s AND %(most)s
    WINDOW visits AS (PARTITION BY visitor_id ORDER BY event_time)
),
islands AS (
    SELECT
        visitor_id, event_time, event, item_id,
        max(event_time) FILTER (WHERE opens) OVER (PARTITION BY visitor_id ORDER BY event_time) AS session_start
    FROM neighbours
),
expected AS (
    SELECT
        visitor_id || '-' || (extract(epoch FROM session_start) * 1000)::bigint AS session_id,
        visitor_id,
        session_start,
        max(event_time) AS session_end,
        floor(extract(epoch FROM max(event_time) - session_start))::int AS duration_seconds,
        count(*) AS event_count,
        count(*) FILTER (WHERE event = 'view') AS view_count,
        count(*) FILTER (WHERE event = 'addtocart') AS cart_count,
        count(*) FILTER (WHERE event = 'transaction') AS transaction_count,
        coalesce(array_agg(DISTINCT item_id) FILTER (WHERE event = 'view'), '{}') AS items_viewed,
        coalesce(array_agg(DISTINCT item_id) FILTER (WHERE event = 'addtocart'), '{}') AS items_carted,
        coalesce(array_agg(DISTINCT item_id) FILTER (WHERE event = 'transaction'), '{}') AS items_purchased,
        count(*) FILTER (WHERE event = 'transaction') > 0 AS converted
    FROM islands
    GROUP BY visitor_id, session_start
),
stored AS (SELECT * FROM sessions WHERE visitor_id BETWEEN %(least)s AND %(most)s),
compared AS (
    SELECT
        s, e, e.event_count,
        CASE
            WHEN s.visitor_id IS NULL THEN 'missing'
            WHEN e.visitor_id IS NULL THEN 'unexpected'
            WHEN (
                s.session_end, s.event_count, s.view_count, s.cart_count, s.transaction_count,
                s.items_viewed, s.items_carted, s.items_purchased, s.converted, s.duration_seconds, s.session_id
            ) IS DISTINCT FROM (
                e.session_end, e.event_count, e.view_count, e.cart_count, e.transaction_count,
                e.items_viewed, e.items_carted, e.items_purchased, e.converted, e.duration_seconds, e.session_id
            ) THEN 'different'
        END AS fault
    FROM expected AS e
    FULL OUTER JOIN stored AS s ON s.visitor_id = e.visitor_id AND s.session_start = e.session_start
    OFFSET 0  -- or each use of `fault` would compare again
)
