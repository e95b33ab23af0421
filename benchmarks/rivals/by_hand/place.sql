-- The order and its event, at the prices of the local copy, in one statement. No row: unknown products.
WITH priced AS (
    SELECT jsonb_agg(jsonb_build_object('productId', key, 'quantity', quantity,
        'price', jsonb_build_object('amount', price::text, 'currency', currency))) AS products
    FROM jsonb_to_recordset(%(products)s) AS line("productId" text, quantity int)
    JOIN replica_product ON key = "productId" AND retired_at IS NULL
), placed AS (
    INSERT INTO orders (id, version, status, customer_name, customer_email, line1, postal_code, city,
        country, lines)
    SELECT %(id)s, 1, 'pending', %(name)s, %(email)s, %(line1)s, %(postalCode)s, %(city)s,
        %(country)s, products
    FROM priced WHERE jsonb_array_length(products) = jsonb_array_length(%(products)s)
    RETURNING *
)
INSERT INTO polder_outbox (id, type, body)
SELECT %(event)s, 'order', json_build_object('id', %(event)s, 'type', 'order', 'subject', id,
    'version', version, 'data', json_build_object('status', status, 'products', lines,
    'shippingAddress', %(address)s))::text
FROM placed
