-- The items looked at most; ties by item_id. Parameter: how many.
SELECT item_id, views, carts, purchases FROM top_items LIMIT %(top)s
