-- Sessions, those with a cart and those with a purchase, by the hour (since 1970, UTC) in which they began.
SELECT
    (extract(epoch FROM began) / 3600)::bigint AS hour,
    sessions,
    cart_sessions,
    purchase_sessions
FROM (
    SELECT
        date_trunc('hour', session_start) AS began,
        count(*) AS sessions,
        count(*) FILTER (WHERE cart_count > 0) AS cart_sessions,
        count(*) FILTER (WHERE converted) AS purchase_sessions
    FROM sessions
    GROUP BY 1
) AS hours
ORDER BY 1
