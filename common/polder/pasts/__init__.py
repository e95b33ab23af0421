"""How a service learns that its own past came back: it asks those who subscribe to it what they
know of it.

By the broker, as everything: the question goes to all subscribers by the service's direct exchange,
each answer to its own queue of answers. Nothing here takes part in a request, and nobody waits for
it.
"""
