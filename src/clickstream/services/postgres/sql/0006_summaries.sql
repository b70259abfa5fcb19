-- Every batch of a busy stream begins new ranges of the BRIN index. PostgreSQL keeps 256 requests to summarize one,
-- serves them once a minute, and logs each that it has to drop: twenty lines a second at 20,000 events a second. Vacuum
-- summarizes too, and does it often enough: what is not summarized yet is read, and it is the newest fifth at most.
ALTER INDEX sessions_session_start SET (autosummarize = off);
