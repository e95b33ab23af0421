"""Hypothesis decides what the shop's people do, and in which order, how often and how broken events
arrive.

The contracts, the use cases, the ledger, the merge and the reconcilers are the real ones, on a real
PostgreSQL; the broker is a list in the machine's hands.
"""
