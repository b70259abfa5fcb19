-- Identities that more than one row of `events` bears; an index-only scan in the primary key's order.
SELECT count(*) FROM (
    SELECT FROM events GROUP BY visitor_id, event_time, event, item_id HAVING count(*) > 1
) AS doubled
