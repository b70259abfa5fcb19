"""OpenSearch, the optional search side; the only place that names opensearchpy."""
