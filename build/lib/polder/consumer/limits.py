"""How long a batch may take, in seconds: above the database's own statement_timeout, so that a slow statement ends first."""

SOFT_LIMIT = 60
HARD_LIMIT = 90
