-- Reservations, stock and shipments into their copies; orders are decided by their reservations.
, stock AS (
    INSERT INTO replica_stock AS stored (key, version, content_hash, on_hand, reserved, available,
        synced_at)
    SELECT subject, version, '', (data->>'onHand')::int, (data->>'reserved')::int,
        (data->>'onHand')::int - (data->>'reserved')::int, now()
    FROM newest WHERE type = 'stock'
    ON CONFLICT (key) DO UPDATE SET version = excluded.version, on_hand = excluded.on_hand,
        reserved = excluded.reserved, available = excluded.available, synced_at = now()
    WHERE stored.version < excluded.version
), reservation AS (
    INSERT INTO replica_reservation AS stored (key, version, content_hash, status, shortages,
        synced_at)
    SELECT subject::uuid, version, '', data->>'status', '[]', now()
    FROM newest WHERE type = 'reservation'
    ON CONFLICT (key) DO UPDATE SET version = excluded.version, status = excluded.status,
        synced_at = now()
    WHERE stored.version < excluded.version
), shipment AS (
    INSERT INTO replica_shipment AS stored (key, version, content_hash, status, carrier,
        tracking_number, synced_at)
    SELECT subject::uuid, version, '', data->>'status', '', '', now()
    FROM newest WHERE type = 'shipment'
    ON CONFLICT (key) DO UPDATE SET version = excluded.version, status = excluded.status,
        synced_at = now()
    WHERE stored.version < excluded.version
), decided AS (
    UPDATE orders SET status = CASE data->>'status' WHEN 'held' THEN 'confirmed' ELSE 'rejected' END,
        version = orders.version + 1, updated_at = now()
    FROM newest WHERE newest.type = 'reservation' AND orders.id = subject::uuid
        AND orders.status = 'pending'
    RETURNING orders.*
), said AS MATERIALIZED (
    SELECT gen_random_uuid() AS id, 'order' AS type, id::text AS subject, version,
        json_build_object('status', status, 'products', lines, 'shippingAddress',
            json_build_object('line1', line1, 'postalCode', postal_code, 'city', city,
                'country', country)) AS data
    FROM decided
)
