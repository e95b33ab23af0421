"""Events between Django services: outbox, relay, consumer, ledger, replicas, reconcilers."""
