-- Of each service, beside the shop's own: what the hand-written relay reads, and the ledger of ids.
CREATE TABLE polder_outbox (
    id uuid PRIMARY KEY, position bigint GENERATED ALWAYS AS IDENTITY, type text NOT NULL,
    body text NOT NULL, published_at timestamptz, held_at timestamptz
);
CREATE INDEX ON polder_outbox (position) WHERE published_at IS NULL;
CREATE TABLE polder_ledger (id uuid PRIMARY KEY);
