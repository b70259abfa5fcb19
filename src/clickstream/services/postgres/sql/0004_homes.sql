-- A visitor's home is the partition that its id hashes to, for the topic and the number of partitions in visitor_homes
-- (one row). The home's consumer trusts what it remembers of a visitor; whoever meets a visitor elsewhere (the topic
-- was resized, a message had no key, a second topic) stores it under a lock that all others share, and tells here.
-- epoch grows when homes move, version with each batch that held visitors from elsewhere.
CREATE TABLE visitor_homes (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    topic text NOT NULL,
    topic_id text NOT NULL,
    partitions int NOT NULL,
    epoch bigint NOT NULL,
    version bigint NOT NULL
) WITH (fillfactor = 20);

-- What each such batch touched. Its primary key is read by every consumer that finds the version grown.
CREATE TABLE stray_visitors (
    version bigint PRIMARY KEY,
    topic_id text NOT NULL,
    partition int NOT NULL,
    visitors bigint[] NOT NULL
);
