-- Sessions, those with a cart and those with a purchase, by the hour (since 1970, UTC) in which they began.
SELECT
    floor(extract(epoch FROM session_start) / 3600)::bigint AS hour,
    count(*) AS sessions,
    count(*) FILTER (WHERE cart_count > 0) AS cart_sessions,
    count(*) FILTER (WHERE converted) AS purchase_sessions
FROM sessions
GROUP BY 1
ORDER BY 1
