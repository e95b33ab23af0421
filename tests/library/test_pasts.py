"""A service asks what others know of it; they answer from their ledgers; it fences what it has
forgotten."""

from __future__ import annotations

import time
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from common.contracts.inventory import ProductChanged, ProductRetired
from order_service.models import Order
from polder.contracts.event import Event
from polder.direct.hearing import hear
from polder.direct.messages import Message
from polder.inbox.delivery import Delivery
from polder.outbox import fence
from polder.outbox.fence import Claim
from polder.outbox.models import CopiesPage, Fenced, Subscriber
from polder.outbox.publish import publish
from polder.pasts import copies, hears, owner, subscriber
from polder.pasts.asking import NoAnswer, ask_all, gather
from polder.pasts.messages import Answer, Copied, Copies, CopiesRequest, Known, Question
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
    monkeypatch.setattr(hears, "waiting_in", lambda queues: 3)
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
        owner.learn(
            Answer(
                subscriber="inventory",
                question=owner.new_question(),
                known=[],
                confirms=confirmed,
                waiting=7,
            )
        )
        assert Subscriber.objects.get().waiting == 7
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
                Answer(
                    subscriber="shipping",
                    question=owner.new_question(),
                    known=known,
                    confirms=ours.id,
                ),
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
        later, asked = uuid7(), owner.new_question()
        for confirms in (later, LONG_AGO, None):
            owner.learn(Answer(subscriber="shipping", question=asked, known=[], confirms=confirms))

        assert Subscriber.objects.get().confirmed_until == later

    def test_an_answer_to_a_question_that_it_never_asked_confirms_nothing(self, db: None) -> None:
        """It was asked in the past that is no more, and lay in the queue: what it tells is so, and
        what came between the backup and that question it does not tell."""
        known = [Known(aggregate="order", key=str(uuid7()), version=3, event_id=uuid7())]

        owner.learn(Answer(subscriber="shipping", question=uuid7(), known=known, confirms=uuid7()))

        assert Fenced.objects.count() == 1
        assert not Subscriber.objects.exists()


class TestCopies:
    def test_what_the_replicas_keep_in_parts(
        self, db: None, said: list[tuple[str, Message]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(copies, "LARGEST_PART", 10)
        deliver(began := product_event(), product_event(ProductChanged, version=5))
        deliver(product_event(ProductRetired, product_id="p2", version=2))
        asked = CopiesRequest(
            owner="inventory", question=uuid7(), aggregate="product", keys=["p1", "p2", "p3"]
        )

        hear(arriving("order.requests", asked))

        parts = [message for _, message in said if isinstance(message, Copies)]
        assert [(part.part, part.parts, part.question) for part in parts] == [
            (0, 2, asked.question),
            (1, 2, asked.question),
        ]
        first, second = (row for part in parts for row in part.rows)
        assert (first.begun_by, second.begun_by) == (began.correlationid, None)
        assert (first.key, first.version, first.is_retired, second.is_retired) == (
            "p1",
            5,
            False,
            True,
        )
        assert first.members == {
            "name": "Rubber boots",
            "price.amount": "39.95",
            "price.currency": "EUR",
            "weight_grams": 1800,
        }

    @pytest.mark.parametrize("aggregate", ["reservation", "cake"])
    def test_there_is_always_an_answer(self, db: None, aggregate: str) -> None:
        """No such key, no such replica."""
        request = CopiesRequest(
            owner="inventory", question=uuid7(), aggregate=aggregate, keys=["no uuid"]
        )

        assert [(page.part, page.parts, page.rows) for page in copies.copies(request)] == [
            (0, 1, [])
        ]

    def test_gathered_when_every_part_of_everybody_is_here(
        self, db: None, said: list[tuple[str, Message]]
    ) -> None:
        # Given
        key = str(uuid7())
        for name, version in (("inventory", 3), ("shipping", 4)):
            fence.put_up([Claim("order", key, version, uuid7())], name)
        asked = owner.new_question()
        for name in ("inventory", "shipping"):
            owner.learn(Answer(subscriber=name, question=asked, known=[], confirms=LONG_AGO))

        def say(routing_key: str, messages: list[Message]) -> bool:
            """Two have it, one of them in two parts, and says all of it twice."""
            [request] = messages
            assert isinstance(request, CopiesRequest)
            old = Copied(key=key, version=3, members={"status": "pending", "products": []})
            new = Copied(key=key, version=4, members={"status": "confirmed"})
            about = {"question": request.question}
            pages = [
                Copies(**about, subscriber="inventory", part=0, parts=1, rows=[old]),
                Copies(**about, subscriber="shipping", part=1, parts=2, rows=[new]),
                Copies(**about, subscriber="shipping", part=0, parts=2, rows=[]),
            ]
            hear(arriving("order.answers", *pages, *pages))
            return True

        owner_say = pytest.MonkeyPatch()
        owner_say.setattr(owner, "say", say)
        try:
            proofs = gather(5)
        finally:
            owner_say.undo()

        [proven] = proofs.of(Order).values()
        assert (proven.status, proven.get("products"), proven.version) == ("confirmed", [], 4)
        assert not CopiesPage.objects.exists()

    def test_whoever_does_not_answer_is_named(
        self, db: None, said: list[tuple[str, Message]]
    ) -> None:
        fence.put_up([Claim("order", str(uuid7()), 3, uuid7())], "inventory")

        with pytest.raises(NoAnswer, match="inventory did not answer"):
            gather(0.1)
        with pytest.raises(NoAnswer, match="inventory did not answer"):
            ask_all(0.1)
        ask_all(0.1, without=["inventory"])
