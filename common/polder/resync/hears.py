"""What is done with requests, and with the pages that answer them."""

from __future__ import annotations

from collections.abc import Sequence

from polder.broker.names import answer_queue
from polder.direct.hearing import hears
from polder.direct.talk import say
from polder.failpoints import Failpoint, failpoint
from polder.pasts import start
from polder.resync import owner, receiving
from polder.resync.messages import Page, PageRequest, RowsRequest


@hears(PageRequest)
def answer_with_pages(requests: Sequence[PageRequest]) -> None:
    """One that was made several times while nobody answered, once."""
    for request in {one.request: one for one in requests}.values():
        page = owner.page_of(request)
        failpoint(Failpoint.RESYNC_BEFORE_ANSWER)
        say(answer_queue(request.asker), [page])


@hears(RowsRequest)
def answer_with_rows(requests: Sequence[RowsRequest]) -> None:
    for request in {one.request: one for one in requests}.values():
        say(answer_queue(request.asker), [owner.rows_of(request)])


@hears(Page)
def take_pages(pages: Sequence[Page]) -> None:
    if not start.may_act():
        return  # they are asked for again: what follows from them would be decided
    for page in pages:
        receiving.receive(page)
