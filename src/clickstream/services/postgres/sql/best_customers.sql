-- The visitors who bought most often; ties by visitor_id. Parameter: how many.
SELECT visitor_id, sum(transaction_count)::bigint AS purchases
FROM sessions
WHERE converted
GROUP BY visitor_id
ORDER BY purchases DESC, visitor_id
LIMIT %(most)s
