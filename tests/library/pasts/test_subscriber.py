"""A subscriber answers from its ledger what it has, and how far it has it."""

from __future__ import annotations

from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from common.contracts.inventory import ProductChanged
from polder.direct.hearing import hear
from polder.direct.messages import Message
from polder.pasts import subscriber
from polder.pasts.messages import Answer
from polder.testing import deliver
from tests.library.pasts.saying import LONG_AGO, arriving, question
from tests.library.test_regressed import HOUR, made
from tests.makers import product_event, stock_event


class TestTheSubscriber:
    def test_tells_the_newest_of_each_whatever_became_of_it(self, db: None) -> None:
        # Given events that were applied, stale, and of an aggregate of another kind
        newest, older, stock = (
            product_event(version=5),
            product_event(ProductChanged, version=4),
            stock_event(version=2),
        )
        deliver(newest, older, stock)

        [answer] = subscriber.answers(question())

        assert [
            (known.aggregate, known.key, known.version, known.event_id) for known in answer.known
        ] == [
            ("product", "p1", 5, newest.id),
            ("stock", "p1", 2, stock.id),
        ]

    def test_tells_only_what_came_since(self, db: None) -> None:
        deliver(
            made(product_event(version=5), seconds_ago=HOUR),
            new := made(product_event(product_id="p2"), seconds_ago=60),
        )
        since = made(product_event(), seconds_ago=600).id

        [answer] = subscriber.answers(question(since=since))

        assert [known.event_id for known in answer.known] == [new.id]

    def test_tells_what_is_regressed_until_it_is_over(self, db: None) -> None:
        known = made(product_event(version=7), seconds_ago=HOUR)
        deliver(known)
        deliver(made(product_event(version=4), seconds_ago=0))

        [answer] = subscriber.answers(question(since=uuid7()))

        assert [(one.key, one.version, one.event_id) for one in answer.known] == [
            ("p1", 7, known.id)
        ]

    def test_of_two_with_one_version_it_tells_the_older(self, db: None) -> None:
        before = made(product_event(version=4), seconds_ago=HOUR)
        deliver(before)
        deliver(made(product_event(version=4, name="another"), seconds_ago=0))

        [answer] = subscriber.answers(question())

        assert {one.event_id for one in answer.known} == {before.id}

    def test_confirms_no_more_than_it_has(self, db: None) -> None:
        """What waits in its queue is told when it has come."""
        had = made(product_event(), seconds_ago=HOUR)
        assert subscriber.answers(question(since=LONG_AGO))[-1].confirms == LONG_AGO
        deliver(had)

        assert subscriber.answers(question())[-1].confirms == had.id
        assert subscriber.answers(question(until=UUID(int=1)))[-1].confirms == LONG_AGO

    def test_in_pages(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(subscriber, "PAGE", 2)
        deliver(*(product_event(product_id=f"p{number}") for number in range(5)))

        pages = subscriber.answers(question())

        assert [(len(page.known), page.confirms is None) for page in pages] == [
            (2, True),
            (2, True),
            (1, False),
        ]

    def test_answers_the_newest_question_of_an_owner_it_follows(
        self, db: None, said: list[tuple[str, Message]]
    ) -> None:
        first, second, stranger = question(), question(), question(by="shipping")
        nobody = question(by="billing")

        unreadable = (b"{", b"\xff", b'{"kind": "gossip"}')
        assert hear(arriving("order.requests", second, first, stranger, nobody, *unreadable)) == 4

        assert {key: message.question for key, message in said if isinstance(message, Answer)} == {
            "inventory.answers": second.question,
            "shipping.answers": stranger.question,
        }
