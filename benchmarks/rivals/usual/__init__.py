"""The usual way: DRF's ModelSerializers, `on_commit`, a Celery task for each event and subscriber.

No outbox and no ledger: whoever is killed between commit and publish has lost its events.
"""
