"""Waiting for what the subscribers answer, which the housekeeper writes into the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import groupby
from uuid import UUID

from polder.broker.confirms import BROKER_ERRORS
from polder.outbox.gate import who_is_missing
from polder.outbox.models import CopiesPage, Fenced, Subscriber
from polder.outbox.models import Question as Asked
from polder.pasts import owner
from polder.pasts.adoption import Copy, Proofs, Proven
from polder.pasts.messages import MOST

LOOKS = 0.05  # seconds
ANYBODY = "a subscriber"  # when nobody is known


class NoAnswer(RuntimeError):
    """Nobody listens, or `names` have not answered in time."""

    def __init__(self, why: str, names: Collection[str] = ()) -> None:
        super().__init__(why)
        self.names = names


def subscribers(without: Collection[str] = ()) -> set[str]:
    """Those that have ever answered, or told of something that is fenced."""
    known = set(Subscriber.objects.values_list("name", flat=True))
    told = set(Fenced.objects.filter(lifted_at=None).values_list("reported_by", flat=True))
    return (known | told) - set(without)


def ask_all(seconds: float, without: Collection[str] = ()) -> None:
    """Returns when every subscriber has told what it knows of us now; at least one. Raises
    NoAnswer."""
    question = _said(owner.ask)
    _wait(lambda: _who_has_not_answered(question, without), seconds)


def gather(seconds: float, without: Collection[str] = ()) -> Proofs:
    """What the subscribers keep of all that is fenced. Raises NoAnswer."""
    found: dict[str, dict[str, Proven]] = {}
    for aggregate, keys in _fenced_pages():
        question = _said(lambda a=aggregate, k=keys: owner.ask_for_copies(a, k))  # type: ignore[misc]
        _wait(lambda q=question: subscribers(without) - _who_sent_copies(q), seconds)  # type: ignore[misc]
        found.setdefault(aggregate, {}).update(_proven(aggregate, keys, question))
        Asked.objects.filter(pk=question).delete()
    return Proofs(found)


def _said(say: Callable[[], UUID | None]) -> UUID:
    try:
        question = say()
    except BROKER_ERRORS as error:
        raise NoAnswer(f"the broker did not take the question: {error!r}") from error
    if question is None:
        raise NoAnswer(
            "nobody listens: no subscriber has declared its topology. Where nobody subscribes, "
            "there is nobody to learn from"
        )
    return question


def _wait(missing: Callable[[], Collection[str]], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while names := missing():
        if time.monotonic() > deadline:
            told = ", ".join(sorted(names))
            away = "" if set(names) == {ANYBODY} else " One that stays away is named by --without"
            raise NoAnswer(
                f"{told} did not answer within {seconds:.0f} s: is the housekeeper running there, "
                f"and here?{away}",
                names,
            )
        time.sleep(LOOKS)


def _who_has_not_answered(question: UUID, without: Collection[str]) -> set[str]:
    """Of those that are known; of an unknown number of them, anybody."""
    if not (known := subscribers()):
        return {ANYBODY}
    answered = set(Subscriber.objects.values_list("name", flat=True)) - who_is_missing(question)
    return known - answered - set(without)


def _who_sent_copies(question: UUID) -> set[str]:
    parts: dict[str, int] = {}
    pages = CopiesPage.objects.filter(question_id=question).values_list("subscriber", "parts")
    for subscriber, number in pages:
        parts[subscriber] = parts.get(subscriber, number) - 1
    return {subscriber for subscriber, left in parts.items() if left == 0}


def _fenced_pages() -> Iterator[tuple[str, list[str]]]:
    rows = Fenced.objects.filter(lifted_at=None, healed_at=None).order_by("aggregate", "key")
    for aggregate, group in groupby(rows.values_list("aggregate", "key"), lambda row: row[0]):
        keys = [key for _, key in group]
        for start in range(0, len(keys), MOST):
            yield aggregate, keys[start : start + MOST]


def _proven(aggregate: str, keys: Iterable[str], question: UUID) -> Iterator[tuple[str, Proven]]:
    copies: dict[str, list[Copy]] = {}
    for page in CopiesPage.objects.filter(question_id=question):
        for row in page.rows:
            copies.setdefault(row["key"], []).append(
                Copy(
                    page.subscriber,
                    row["version"],
                    row["is_retired"],
                    row["members"],
                    UUID(row["begun_by"]) if row["begun_by"] else None,
                )
            )
    fenced = Fenced.objects.filter(lifted_at=None, aggregate=aggregate, key__in=list(keys))
    for row in fenced:
        newest_first = sorted(copies.get(row.key, ()), key=lambda copy: -copy.version)
        version = max([row.known_version, *(copy.version for copy in newest_first)])
        yield row.key, Proven(row.key, version, row.reported_by, tuple(newest_first))
