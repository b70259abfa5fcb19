-- What the sessions of each day amount to, kept by the transaction that changes them: figures of a large table without
-- reading it. A row a partition, so that consumers do not wait for one another; a partition may take away sessions that
-- another one brought, so only the sum over partitions means something. day counts from 1970-01-01 (UTC).
CREATE TABLE session_days (
    topic_id text NOT NULL,
    partition int NOT NULL,
    day int NOT NULL,
    events bigint NOT NULL,
    sessions bigint NOT NULL,
    cart_sessions bigint NOT NULL,
    abandoned_sessions bigint NOT NULL,
    purchase_sessions bigint NOT NULL,
    total_purchases bigint NOT NULL,
    items_purchased bigint NOT NULL,
    PRIMARY KEY (topic_id, partition, day)
) WITH (fillfactor = 50);

INSERT INTO session_days
SELECT
    '', 0, floor(extract(epoch FROM session_start) / 86400)::int,
    sum(event_count), count(*), count(*) FILTER (WHERE cart_count > 0),
    count(*) FILTER (WHERE cart_count > 0 AND NOT converted), count(*) FILTER (WHERE converted),
    sum(transaction_count), sum(cardinality(items_purchased))
FROM sessions
GROUP BY 3;

-- Read for the one day that a window of the funnel cuts in two. Sessions lie nearly in order of time.
CREATE INDEX sessions_session_start ON sessions USING brin (session_start) WITH (pages_per_range = 32, autosummarize = on);
