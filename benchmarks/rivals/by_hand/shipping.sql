-- Orders and reservations into their copies; shipments are packed, and ready once the stock is held.
, ordered AS (
    INSERT INTO replica_order AS stored (key, version, content_hash, status, products,
        shipping_address, synced_at)
    SELECT subject::uuid, version, '', data->>'status', data->'products', data->'shippingAddress',
        now()
    FROM newest WHERE type = 'order'
    ON CONFLICT (key) DO UPDATE SET version = excluded.version, status = excluded.status,
        synced_at = now()
    WHERE stored.version < excluded.version
), reservation AS (
    INSERT INTO replica_reservation AS stored (key, version, content_hash, status, synced_at)
    SELECT subject::uuid, version, '', data->>'status', now()
    FROM newest WHERE type = 'reservation'
    ON CONFLICT (key) DO UPDATE SET version = excluded.version, status = excluded.status,
        synced_at = now()
    WHERE stored.version < excluded.version
), held AS MATERIALIZED (
    SELECT subject::uuid AS order_id FROM newest
    WHERE type = 'reservation' AND data->>'status' = 'held'
), opened AS (
    INSERT INTO shipping_shipment (order_id, version, status, line1, postal_code, city, country,
        packages, weight_grams, unweighed, carrier, tracking_number)
    SELECT ordered.order_id, 1, CASE WHEN EXISTS (SELECT FROM held WHERE order_id = ordered.order_id)
            OR EXISTS (SELECT FROM replica_reservation
                WHERE key = ordered.order_id AND status = 'held')
        THEN 'ready' ELSE 'prepared' END,
        address->>'line1', address->>'postalCode', address->>'city', address->>'country',
        packages, weight, '{}', '', ''
    FROM (SELECT subject::uuid AS order_id, data->'shippingAddress' AS address, data->'products' AS
        products FROM newest WHERE type = 'order' AND data->>'status' <> 'rejected') AS ordered
    CROSS JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object('productId', key, 'quantity', quantity, 'parcels', 1,
            'weightGrams', quantity * weight_grams)) AS packages,
            sum(quantity * weight_grams)::int AS weight
        FROM jsonb_to_recordset(products) AS line("productId" text, quantity int)
        JOIN replica_product ON key = "productId"
    ) AS packed
    ON CONFLICT DO NOTHING
    RETURNING order_id, version, status
), readied AS (
    UPDATE shipping_shipment AS stored SET status = 'ready', version = version + 1,
        updated_at = now()
    FROM held WHERE stored.order_id = held.order_id AND stored.status = 'prepared'
    RETURNING stored.order_id, stored.version, stored.status
), said AS MATERIALIZED (
    SELECT gen_random_uuid() AS id, 'shipment' AS type, order_id::text AS subject, version,
        json_build_object('status', status) AS data
    FROM (SELECT * FROM opened UNION ALL SELECT * FROM readied) AS shipment
)
