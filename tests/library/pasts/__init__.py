"""A service asks what others know of it; they answer from their ledgers; it fences what it has
forgotten."""
