-- The tables. Every index earns its write cost: its reader is named beside it.

CREATE TYPE event_type AS ENUM ('view', 'addtocart', 'transaction');

-- The primary key is an event's identity: it makes duplicates impossible, and the lookup of late events' sessions
-- (range over one visitor's times) reads it.
CREATE TABLE events (
    event_time timestamptz NOT NULL,
    visitor_id bigint NOT NULL,
    event event_type NOT NULL,
    item_id bigint NOT NULL,
    transaction_id bigint,
    PRIMARY KEY (visitor_id, event_time, event, item_id)
);

-- session_id is derived from the primary key, so it is unique because that is, and needs no index of its own:
-- to find a session by its id, split it. The primary key is read by the lookup of late events and by `sessions show`.
CREATE TABLE sessions (
    session_id varchar GENERATED ALWAYS AS (
        visitor_id::text || '-' || (extract(epoch FROM session_start AT TIME ZONE 'UTC') * 1000)::bigint::text
    ) VIRTUAL,
    visitor_id bigint NOT NULL,
    session_start timestamptz NOT NULL,
    session_end timestamptz NOT NULL,
    duration_seconds int NOT NULL,
    event_count int NOT NULL,
    view_count int NOT NULL,
    cart_count int NOT NULL,
    transaction_count int NOT NULL,
    items_viewed bigint[] NOT NULL,
    items_carted bigint[] NOT NULL,
    items_purchased bigint[] NOT NULL,
    converted boolean NOT NULL,
    PRIMARY KEY (visitor_id, session_start)
);

-- One row a partition of a topic's incarnation. A batch's transaction moves next_offset by compare-and-set first.
-- max_event_time: the newest event time this partition ever stored; a consumer that starts without a window of open
-- sessions takes every event up to there for late. Room in the page keeps the updates off the index (HOT).
CREATE TABLE consumer_offsets (
    topic text NOT NULL,
    topic_id text NOT NULL,
    partition int NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    max_event_time timestamptz,
    PRIMARY KEY (topic, topic_id, partition)
) WITH (fillfactor = 20);

-- The primary key makes a message that is read again one row still.
CREATE TABLE rejected_events (
    topic text NOT NULL,
    topic_id text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    reason text NOT NULL,
    key bytea,
    payload bytea,
    rejected_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, topic_id, partition, "offset")
);

-- Messages that Kafka had removed before they were read, and that somebody chose to go on without.
CREATE TABLE offset_gaps (
    topic text NOT NULL,
    topic_id text NOT NULL,
    partition int NOT NULL,
    from_offset bigint NOT NULL,
    to_offset bigint NOT NULL,
    accepted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, topic_id, partition, from_offset)
);

-- What the stored sessions were made with; one row.
CREATE TABLE schema_settings (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    session_timeout_ms bigint NOT NULL
);
