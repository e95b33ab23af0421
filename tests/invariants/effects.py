"""I18: what follows outside of the databases. The customer's mail when the order ships."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.blackbox.shop import Shop
from tests.invariants.look import Look
from tests.invariants.violation import Violation

_SHIPPED = "SELECT DISTINCT subject FROM polder_outbox WHERE type = 'OrderShipped' AND id >= %s"
_INTENTS = (
    "SELECT key, subject, state, body ->> 'text', 'order.' || effect || ':' || key "
    "FROM polder_effects_intent"
)
_KEY = re.compile(r"^X-Idempotency-Key:\s+(.+)$", re.MULTILINE)
_END = "-" * 79  # after each mail in a file


def followed(look: Look, mails: Path | None) -> Iterator[Violation]:
    """Each order that shipped has its intent, of its own; what is done was sent, and whatever was
    sent of one key is the same. `mails` is where they are, if they can be read."""
    shipped = {subject for (subject,) in look.kept("order", _SHIPPED)}
    intents = look.shop.rows("order", _INTENTS)  # before the mails: one is done after it is sent
    look.count("I18", "effects", len(intents))
    has = {subject for _, subject, *_ in intents}
    yield from (Violation("I18", "order", f"{one} has no effect") for one in shipped - has)
    for key, subject, state, text, _ in intents:
        if state == "failed":
            yield Violation("I18", "order", f"the effect of {key} failed")
        if key != subject or key not in text:
            yield Violation("I18", "order", f"the effect of {subject} has the key {key}: {text}")
    if mails is not None:
        sent = sent_in(mails)
        look.count("I18", "mails", sum(map(len, sent.values())))
        done = {key for *_, state, _, key in intents if state == "done"}
        yield from (
            Violation("I18", "mails", f"of {key} there is none, and it is noted as done")
            for key in done - sent.keys()
        )
        yield from (
            Violation("I18", "mails", f"{key} has {len(set(texts))} bodies")
            for key, texts in sent.items()
            if len(set(texts)) > 1
        )


def sent_in(mails: Path) -> dict[str, list[str]]:
    """The mails by their keys; who was killed while writing one has not sent it."""
    found: dict[str, list[str]] = {}
    for path in mails.glob("*"):
        for text in path.read_text().split(_END)[:-1]:
            if key := _KEY.search(text):
                found.setdefault(key[1], []).append(text.strip())
    return found


def hurry(shop: Shop) -> bool:
    """Whether nothing waits any more. What waits is due now: whoever had claimed it is gone."""
    with shop.database("order") as database:
        database.execute(
            "UPDATE polder_effects_intent SET due_at = now() WHERE state = 'waiting' "
            "AND due_at > now() + interval '20 s'"
        )
    return not shop.rows("order", "SELECT FROM polder_effects_intent WHERE state = 'waiting'")
