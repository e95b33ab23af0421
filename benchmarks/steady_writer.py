"""`python -m benchmarks.steady_writer RATE NUMBER`: publishes so many StockChanged at so many a
second, each in a transaction of its own, as the inventory service, and prints how many a second it
came to: fewer, on a machine that has too much to do."""

from __future__ import annotations

import os
import sys
import time

import django

from benchmarks.events import stock_changes


def write(rate: int, number: int) -> float:
    """Each event is made when it is due, never before. Returns the events a second."""
    from django.db import transaction

    from polder.outbox.publish import publish

    events = stock_changes(number)
    begun = time.monotonic()
    for index in range(number):
        time.sleep(max(0.0, begun + index / rate - time.monotonic()))
        with transaction.atomic():
            publish(next(events))
    return min(rate, number / (time.monotonic() - begun))


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "inventory_service.settings"
    django.setup()
    print(write(int(sys.argv[1]), int(sys.argv[2])))
