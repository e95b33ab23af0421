"""A service asks what others know of it; they answer from their ledgers; it fences what it has
forgotten."""

from __future__ import annotations

import time
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from common.contracts.inventory import ProductChanged
from polder.contracts.event import Event
from polder.direct.hearing import hear
from polder.direct.messages import Message
from polder.inbox.delivery import Delivery
from polder.outbox.models import Fenced, Subscriber
from polder.outbox.publish import publish
from polder.pasts import hears, owner, subscriber
from polder.pasts.messages import Answer, Known, Question
from polder.testing import deliver
from tests.library.test_regressed import HOUR, made
from tests.makers import order_event, product_event, stock_event

LONG_AGO = UUID(int=0)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Message]]:
    """What is said to other services, by routing key; nothing goes to a broker."""
    heard: list[tuple[str, Message]] = []

    def say(routing_key: str, messages: list[Message]) -> bool:
        heard.extend((routing_key, message) for message in messages)
        return True

    monkeypatch.setattr(owner, "say", say)
    monkeypatch.setattr(hears, "say", say)
    return heard


def question(
    *, since: UUID = LONG_AGO, by: str = "inventory", until: UUID | None = None
) -> Question:
    return Question(owner=by, question=uuid7(), since={}, otherwise=since, until=until or uuid7())


def arriving(queue: str, *messages: Message | bytes) -> list[Delivery]:
    return [
        Delivery(
            queue,
            "",
            message if isinstance(message, bytes) else message.model_dump_json().encode(),
            time.time(),
        )
        for message in messages
    ]


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


class TestTheOwner:
    def test_asks_since_what_each_has_confirmed(
        self, db: None, said: list[tuple[str, Message]]
    ) -> None:
        # Given
        confirmed = uuid7()
        owner.learn(Answer(subscriber="inventory", question=uuid7(), known=[], confirms=confirmed))
        reconciled, fresh = (made(order_event(), seconds_ago=ago) for ago in (HOUR, 1))
        publish(reconciled, fresh)

        # When
        assert owner.ask()

        # Then
        [(key, asked)] = said
        assert isinstance(asked, Question)
        assert (key, asked.owner, asked.since) == ("subscribers", "order", {"inventory": confirmed})
        assert (asked.otherwise, asked.until) == (reconciled.id, reconciled.id)

    def test_asks_before_it_has_said_anything(
        self, db: None, said: list[tuple[str, Message]]
    ) -> None:
        assert owner.ask()

    def test_learns_what_it_has_forgotten(self, db: None) -> None:
        ours: Event = order_event()
        publish(ours)
        known = [
            Known(aggregate="order", key=ours.subject, version=1, event_id=ours.id),
            Known(aggregate="order", key=(gone := str(uuid7())), version=3, event_id=uuid7()),
        ]

        hear(
            arriving(
                "order.answers",
                Answer(subscriber="shipping", question=uuid7(), known=known, confirms=ours.id),
                b"[]",
            )
        )

        assert list(
            Fenced.objects.values_list("key", "known_version", "reported_by", "is_forgotten")
        ) == [(gone, 3, "shipping", True)]
        assert list(Subscriber.objects.values_list("name", "confirmed_until")) == [
            ("shipping", ours.id)
        ]

    def test_a_confirmation_never_goes_back(self, db: None) -> None:
        later = uuid7()
        for confirms in (later, LONG_AGO, None):
            owner.learn(
                Answer(subscriber="shipping", question=uuid7(), known=[], confirms=confirms)
            )

        assert Subscriber.objects.get().confirmed_until == later
