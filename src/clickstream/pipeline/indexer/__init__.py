"""The indexer: writes messages into OpenSearch, each event once."""
