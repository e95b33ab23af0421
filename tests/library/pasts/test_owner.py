"""The owner asks, and learns from the answers what it has forgotten."""

from __future__ import annotations

from uuid_utils.compat import uuid7

from polder.contracts.event import Event
from polder.direct.hearing import hear
from polder.direct.messages import Message
from polder.outbox.models import Fenced, Subscriber
from polder.outbox.publish import publish
from polder.pasts import owner
from polder.pasts.messages import Answer, Known, Question
from polder.resync import owner as resync_owner
from polder.resync.messages import Proven, RowsRequest
from tests.library.pasts.saying import LONG_AGO, arriving
from tests.library.test_regressed import HOUR, made
from tests.makers import order_event


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

    def test_what_is_no_key_of_ours_is_passed_over(
        self, db: None, said: list[tuple[str, Message]]
    ) -> None:
        """And stops neither the rest of the answer, nor another one, nor a resync."""
        gone = str(uuid7())
        odd = ["p1", gone.upper(), f"{{{gone}}}", "x" * 64, "0", " ", "é\u202e", "-1"]
        known = [
            Known(aggregate="order", key=key, version=2**63 - 1, event_id=uuid7())
            for key in [*odd, gone]
        ]
        known += [Known(aggregate=name, key="k", version=1, event_id=uuid7()) for name in ("", "x")]
        asked = owner.new_question()
        about = {"question": asked, "confirms": uuid7()}

        hear(
            arriving(
                "order.answers",
                Answer(subscriber="shipping", known=known, **about),
                Answer(subscriber="inventory", known=[], **about),
            )
        )

        assert list(Fenced.objects.values_list("key", flat=True)) == [gone]
        assert set(Subscriber.objects.values_list("name", "question")) == {
            *(("shipping", asked), ("inventory", asked)),
        }
        keys = [Proven(key=key, version=2, event_id=uuid7()) for key in odd]
        rows = RowsRequest(asker="shipping", request=uuid7(), aggregate="order", keys=keys)
        assert resync_owner.rows_of(rows).unknown == sorted(odd)

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
