-- Orders and shipments into their copies; new orders are reserved, all lines or none, first come.
, ordered AS (
    INSERT INTO replica_order AS stored (key, version, content_hash, status, products, synced_at)
    SELECT subject::uuid, version, '', data->>'status', data->'products', now()
    FROM newest WHERE type = 'order'
    ON CONFLICT (key) DO UPDATE SET version = excluded.version, status = excluded.status,
        synced_at = now()
    WHERE stored.version < excluded.version
), shipment AS (
    INSERT INTO replica_shipment AS stored (key, version, content_hash, status, synced_at)
    SELECT subject::uuid, version, '', data->>'status', now() FROM newest WHERE type = 'shipment'
    ON CONFLICT (key) DO UPDATE SET version = excluded.version, status = excluded.status,
        synced_at = now()
    WHERE stored.version < excluded.version
), line AS MATERIALIZED (
    SELECT subject::uuid AS order_id, line->>'productId' AS product_id,
        (line->>'quantity')::int AS quantity
    FROM newest CROSS JOIN LATERAL jsonb_array_elements(data->'products') AS line
    WHERE type = 'order' AND data->>'status' = 'pending'
), locked AS MATERIALIZED (
    SELECT product_id, on_hand - reserved AS available FROM inventory_stock
    WHERE product_id IN (SELECT product_id FROM line) ORDER BY product_id FOR UPDATE
), counted AS (
    SELECT order_id, product_id, quantity, coalesce(available, 0) AS available,
        sum(quantity) OVER (PARTITION BY product_id ORDER BY order_id) AS needed
    FROM line LEFT JOIN locked USING (product_id)
), reserved AS (
    INSERT INTO inventory_reservation (order_id, version, status, lines, shortages)
    SELECT order_id, 1, CASE WHEN bool_and(needed <= available) THEN 'held' ELSE 'rejected' END,
        jsonb_agg(jsonb_build_object('productId', product_id, 'quantity', quantity)), '[]'
    FROM counted GROUP BY order_id ORDER BY order_id
    ON CONFLICT DO NOTHING
    RETURNING order_id, version, status
), taken AS MATERIALIZED (
    SELECT order_id, product_id, quantity FROM line JOIN reserved USING (order_id)
    WHERE status = 'held'
), movement AS (
    INSERT INTO inventory_movement (product_id, kind, on_hand, reserved, cause, reason)
    SELECT product_id, 'reserve', 0, quantity, order_id, '' FROM taken
), stock AS (
    UPDATE inventory_stock AS stored SET reserved = stored.reserved + quantity,
        version = version + 1, updated_at = now()
    FROM (SELECT product_id, sum(quantity)::int AS quantity FROM taken GROUP BY product_id) AS taken
    WHERE stored.product_id = taken.product_id
    RETURNING stored.*
), said AS MATERIALIZED (
    SELECT gen_random_uuid() AS id, 'reservation' AS type, order_id::text AS subject, version,
        json_build_object('status', status) AS data
    FROM reserved
    UNION ALL
    SELECT gen_random_uuid(), 'stock', product_id, version,
        json_build_object('onHand', on_hand, 'reserved', reserved)
    FROM stock
)
