-- Promise 2 as a query: sessions computed from `events` alone (gaps and islands), against the stored ones, both ways.
-- Parameter: the session timeout in milliseconds. Neighbours exactly that far apart stay together.
WITH neighbours AS (
    SELECT
        visitor_id, event_time, event, item_id,
        coalesce(
            event_time - lag(event_time) OVER visits > make_interval(secs => %(timeout_ms)s / 1000.0), true
        ) AS opens
    FROM events
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
        visitor_id,
        session_start,
        max(event_time) AS session_end,
        count(*) AS event_count,
        count(*) FILTER (WHERE event = 'view') AS view_count,
        count(*) FILTER (WHERE event = 'addtocart') AS cart_count,
        count(*) FILTER (WHERE event = 'transaction') AS transaction_count,
        coalesce(array_agg(DISTINCT item_id) FILTER (WHERE event = 'view'), '{}') AS items_viewed,
        coalesce(array_agg(DISTINCT item_id) FILTER (WHERE event = 'addtocart'), '{}') AS items_carted,
        coalesce(array_agg(DISTINCT item_id) FILTER (WHERE event = 'transaction'), '{}') AS items_purchased
    FROM islands
    GROUP BY visitor_id, session_start
)
SELECT
    coalesce(sum(e.event_count), 0)::bigint AS events,
    count(s.visitor_id) AS sessions_stored,
    count(e.visitor_id) AS sessions_expected,
    count(*) FILTER (WHERE s.visitor_id IS NULL) AS missing,
    count(*) FILTER (WHERE e.visitor_id IS NULL) AS unexpected,
    count(*) FILTER (
        WHERE s.visitor_id = e.visitor_id
        AND (
            s.session_end, s.event_count, s.view_count, s.cart_count, s.transaction_count,
            s.items_viewed, s.items_carted, s.items_purchased,
            s.converted,
            s.duration_seconds,
            s.session_id
        ) IS DISTINCT FROM (
            e.session_end, e.event_count, e.view_count, e.cart_count, e.transaction_count,
            e.items_viewed, e.items_carted, e.items_purchased,
            e.transaction_count > 0,
            floor(extract(epoch FROM e.session_end - e.session_start)),
            e.visitor_id || '-' || (extract(epoch FROM e.session_start) * 1000)::bigint
        )
    ) AS different
FROM expected AS e
FULL OUTER JOIN sessions AS s ON s.visitor_id = e.visitor_id AND s.session_start = e.session_start
