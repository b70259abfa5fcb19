-- As top_items, for a large table: counted are the items that lead in a sample of its blocks, always the same ones. An
-- item among the ten most viewed of millions is among the 200 most viewed of a twentieth of them. Parameters: how many,
-- and the size of the sample in percent. An array, unlike a CTE, leaves the pass over all events to several processes.
SELECT
    item_id,
    count(*) FILTER (WHERE event = 'view') AS views,
    count(*) FILTER (WHERE event = 'addtocart') AS carts,
    count(*) FILTER (WHERE event = 'transaction') AS purchases
FROM events JOIN unnest(ARRAY(
    SELECT item_id
    FROM events TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (1)
    WHERE event = 'view'
    GROUP BY item_id
    ORDER BY count(*) DESC
    LIMIT 200
)) AS candidates (item_id) USING (item_id)
GROUP BY item_id
ORDER BY views DESC, item_id
LIMIT %(top)s
