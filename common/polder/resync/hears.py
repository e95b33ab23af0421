"""What is done with requests, and with the answers to ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from polder.broker.names import answer_queue
from polder.direct.hearing import hears
from polder.direct.talk import say
from polder.outbox import gate
from polder.process.failpoints import Failpoint, failpoint
from polder.resync import digests, owner, receiving
from polder.resync.messages import (
    Answer,
    Digests,
    DigestsRequest,
    KeysRequest,
    Listing,
    Page,
    PageRequest,
    RowsRequest,
)

R = TypeVar("R", PageRequest, RowsRequest, DigestsRequest, KeysRequest)


@hears(PageRequest)
def answer_with_pages(requests: Sequence[PageRequest]) -> None:
    _answer(requests, owner.page_of)


@hears(RowsRequest)
def answer_with_rows(requests: Sequence[RowsRequest]) -> None:
    if not gate.may_act():
        return  # they are asked again: what we have forgotten would be removed as unknown
    _answer(requests, owner.rows_of)


@hears(DigestsRequest)
def answer_with_digests(requests: Sequence[DigestsRequest]) -> None:
    _answer(requests, digests.digests_of)


@hears(KeysRequest)
def answer_with_keys(requests: Sequence[KeysRequest]) -> None:
    _answer(requests, digests.keys_of)


def _answer(requests: Sequence[R], answer: Callable[[R], Answer]) -> None:
    """One that was made several times while nobody answered, once."""
    for request in {one.request: one for one in requests}.values():
        answered = answer(request)
        failpoint(Failpoint.RESYNC_BEFORE_ANSWER)
        say(answer_queue(request.asker), [answered])


@hears(Page)
def take_pages(pages: Sequence[Page]) -> None:
    _take(pages)


@hears(Digests)
def take_digests(answers: Sequence[Digests]) -> None:
    _take(answers)


@hears(Listing)
def take_listings(answers: Sequence[Listing]) -> None:
    _take(answers)


def _take(answers: Sequence[Answer]) -> None:
    if not gate.may_act():
        return  # they are asked for again: what follows from them would be decided
    for answer in answers:
        receiving.receive(answer)
