-- Some sessions of each fault, stored and expected. Stands after compared_sessions.sql. Parameter: how many of each.
SELECT fault, to_jsonb(s), to_jsonb(e)
FROM (
    SELECT fault, s, e, row_number() OVER (PARTITION BY fault) AS number
    FROM compared
    WHERE fault IS NOT NULL
) AS faults
WHERE number <= %(most_examples)s
