-- The ordered funnel, in one pass over `events`: of all (visitor, item) pairs with a view, those with a cart after the
-- first view, and of these, those with a purchase after that cart; with the median seconds from step to step.
-- Taking the earliest of each step finds a view before a cart before a purchase wherever there is one.
WITH pairs AS (
    SELECT
        min(event_time) FILTER (WHERE event = 'view') AS viewed,
        array_agg(event_time) FILTER (WHERE event = 'addtocart') AS carts,
        array_agg(event_time) FILTER (WHERE event = 'transaction') AS purchases
    FROM events
    GROUP BY visitor_id, item_id
),
carted AS (
    SELECT
        viewed,
        -- Most pairs have neither: the case spares them the search.
        CASE WHEN carts IS NOT NULL THEN (SELECT min(at) FROM unnest(carts) AS at WHERE at > viewed) END AS carted,
        purchases
    FROM pairs
    WHERE viewed IS NOT NULL
),
steps AS (
    SELECT
        viewed,
        carted,
        CASE
            WHEN carted IS NOT NULL AND purchases IS NOT NULL
            THEN (SELECT min(at) FROM unnest(purchases) AS at WHERE at > carted)
        END AS bought
    FROM carted
)
SELECT
    count(*) AS viewed,
    count(carted) AS carted,
    count(bought) AS bought,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM carted - viewed)) AS seconds_to_cart,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM bought - carted)) AS seconds_to_purchase
FROM steps
