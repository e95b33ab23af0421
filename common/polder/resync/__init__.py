"""Replicas that are filled and made good from their owners, over the broker, while events go on.

The subscriber asks for a page of the owner's rows after a key, merges it by version, stores how far
it has come in the same transaction, and asks for the next. So it can be killed anywhere, slowed
down, paused and cancelled, and needs no more memory than a page. It takes part in neither ledger
nor delivery accounting.
"""
