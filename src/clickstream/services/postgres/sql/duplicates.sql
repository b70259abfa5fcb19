-- Identities that more than one row of `events` bears; an index-only scan in the primary key's order.
-- Parameters: least and most, the visitors to look at; how many to give as examples.
WITH doubled AS (
    SELECT visitor_id, event_time, event, item_id, count(*) AS rows
    FROM events
    WHERE visitor_id BETWEEN %(least)s AND %(most)s
    GROUP BY visitor_id, event_time, event, item_id
    HAVING count(*) > 1
)
SELECT count(*), (SELECT coalesce(jsonb_agg(shown), '[]') FROM (SELECT * FROM doubled LIMIT %(most_examples)s) AS shown)
FROM doubled
