"""Step seven: events that everybody has had come again, in any order."""

from __future__ import annotations

import random
from collections import Counter

from demo.stage import PATIENCE, Stage
from outside.copies import COPIES, SUBSCRIPTIONS
from outside.shop import duplicates, until
from outside.wire import send

EVENTS = 100
NEWEST = "SELECT created_at, body FROM outbox WHERE published_at IS NOT NULL ORDER BY position DESC LIMIT %s"


def events_repeated_and_shuffled(stage: Stage) -> None:
    shop = stage.shop
    published = [(at, owner, body) for owner in SUBSCRIPTIONS for at, body in shop.rows(owner, NEWEST, EVENTS)]
    newest = sorted(published, reverse=True)[:EVENTS]
    chosen = [(owner, body) for _, owner, body in newest]
    random.shuffle(chosen)
    counted, versions = duplicates(shop), _versions(stage)
    with stage.teller.turning("on the wire"):
        for owner in SUBSCRIPTIONS:
            send(shop.variables["AMQP_URL"], f"{owner}.events", [body.encode() for sender, body in chosen if sender == owner])
    senders = ", ".join(f"{count} of {owner}" for owner, count in Counter(owner for owner, _ in chosen).items())
    stage.teller.line(f"The last {len(chosen)} events go over the wire a second time, shuffled: {senders}.")
    expected = len(chosen) * 2
    with stage.teller.turning("the ledgers recognise them"):
        until(lambda: duplicates(shop) - counted >= expected, f"{expected} deliveries are counted as duplicates", PATIENCE)
    stage.teller.line(f"Two subscribers each: {duplicates(shop) - counted} deliveries that the ledgers count as duplicates.")
    moved = [replica for replica, rows in _versions(stage).items() if rows != versions[replica]]
    stage.teller.line(f"Replicas that moved: {', '.join(moved) if moved else 'none'}.")


def _versions(stage: Stage) -> dict[str, list[tuple[str, int]]]:
    return {copy.replica: stage.shop.rows(copy.subscriber, f"SELECT key::text, version FROM replica_{copy.aggregate} ORDER BY 1") for copy in COPIES}
