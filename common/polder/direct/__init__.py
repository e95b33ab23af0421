"""What one service says to another, beside the events that it tells to all: questions, requests and
answers, by its direct exchange, each to the other's own queue.

Nothing here takes part in a request of a client, and nobody waits for it.
"""
