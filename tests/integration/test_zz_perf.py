import time
from clickstream.actions.sessions import SessionKind, list_sessions
from clickstream.services.postgres.migrate import migrate
from tests.feed import query, TIMEOUT_MS
def test_perf(settings):
    migrate(settings.postgres, session_timeout_ms=TIMEOUT_MS)
    query(settings, """INSERT INTO sessions (visitor_id, session_start, session_end, duration_seconds, event_count, view_count,
      cart_count, transaction_count, items_viewed, items_carted, items_purchased, converted)
      SELECT n::bigint*7919 %% 3000000, s, s + d * interval '1 s', d, 2, 1, 1, 0, ARRAY[n,n+1], '{}', '{}', n %% 200 = 0
      FROM (SELECT n, '2015-05-03'::timestamptz + n * interval '4 s' AS s, (n::bigint * 48271 %% 7000)::int AS d FROM generate_series(1, 3000000) n) x""")
    query(settings, """INSERT INTO session_days SELECT '', 0, floor(extract(epoch FROM session_start) / 86400)::int,
    sum(event_count), count(*), 0,0, count(*) FILTER (WHERE converted), 0,0 FROM sessions GROUP BY 3""")
    query(settings, "INSERT INTO consumer_offsets (topic, topic_id, partition, next_offset, max_event_time) SELECT 't','t',0,0,max(session_end) - interval '1 hour' FROM sessions")
    query(settings, "VACUUM ANALYZE sessions")
    print(query(settings, "SELECT pg_size_pretty(pg_relation_size('sessions'))"))
    for kind in SessionKind:
        for limit in (20, 5000):
            began = time.monotonic()
            found = list_sessions(settings, kind, limit)
            print(kind, limit, len(found.sessions), round(time.monotonic() - began, 3))
