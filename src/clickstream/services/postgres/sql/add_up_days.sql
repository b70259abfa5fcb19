-- What a batch changes in the figures of each day. Parameters: whose, and one array a column.
INSERT INTO session_days AS kept (
    topic_id, partition, day,
    events, sessions, cart_sessions, abandoned_sessions, purchase_sessions, total_purchases, items_purchased
)
SELECT %(topic_id)s, %(partition)s, change.*
FROM unnest(
    %(day)s::int[], %(events)s, %(sessions)s, %(cart_sessions)s, %(abandoned_sessions)s, %(purchase_sessions)s,
    %(total_purchases)s, %(items_purchased)s
) AS change
ON CONFLICT (topic_id, partition, day) DO UPDATE SET
    events = kept.events + excluded.events,
    sessions = kept.sessions + excluded.sessions,
    cart_sessions = kept.cart_sessions + excluded.cart_sessions,
    abandoned_sessions = kept.abandoned_sessions + excluded.abandoned_sessions,
    purchase_sessions = kept.purchase_sessions + excluded.purchase_sessions,
    total_purchases = kept.total_purchases + excluded.total_purchases,
    items_purchased = kept.items_purchased + excluded.items_purchased
