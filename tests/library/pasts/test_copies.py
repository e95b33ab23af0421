"""What the replicas keep of what was forgotten, asked for and gathered."""

from __future__ import annotations

from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from common.contracts.inventory import ProductChanged, ProductRetired
from order_service.models import Order
from polder.direct.hearing import hear
from polder.direct.messages import Message
from polder.outbox import claims
from polder.outbox.claims import Claim
from polder.outbox.gate import who_is_missing
from polder.outbox.models import CopiesPage, Subscriber
from polder.pasts import copies, owner
from polder.pasts.adoption import Copy, Proven
from polder.pasts.asking import NoAnswer, ask_all, gather
from polder.pasts.messages import Answer, Copied, Copies, CopiesRequest
from polder.testing import deliver
from tests.library.pasts.saying import LONG_AGO, arriving
from tests.makers import product_event


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
            claims.put_up([Claim("order", key, version, uuid7())], name)
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

    def test_copies_that_disagree_prove_nothing(self) -> None:
        """One of them was edited by hand, and nobody can tell which. Older ones may differ."""
        old, new, edited = (
            Copy(by, version, False, {"status": status})
            for by, version, status in (
                ("billing", 2, "pending"),
                ("inventory", 3, "confirmed"),
                ("shipping", 3, "shipped"),
            )
        )

        assert not Proven("k", 3, "inventory", (new, old)).why_not
        assert Proven("k", 3, "inventory", (new, edited, old)).why_not == (
            "of version 3 inventory has confirmed and shipping has shipped, and nobody can tell "
            "which is right"
        )

    def test_somebody_has_to_answer(self, db: None, said: list[tuple[str, Message]]) -> None:
        """The backup is of a time before anybody had answered."""
        with pytest.raises(NoAnswer, match="a subscriber did not answer"):
            ask_all(0.1)

    def test_an_answer_of_before_the_clock_was_set_back_is_none(
        self, db: None, said: list[tuple[str, Message]]
    ) -> None:
        """The database came to a host whose clock is behind: the newest question is of the
        future."""
        an_hour = 60 * 60 * 1000
        owner.learn(
            Answer(
                subscriber="inventory", question=owner.new_question(), known=[], confirms=LONG_AGO
            )
        )
        [before] = Subscriber.objects.all()
        before.question = UUID(int=before.question.int + (an_hour << 80))
        before.save()

        with pytest.raises(NoAnswer, match="inventory did not answer"):
            ask_all(0.1)
        asked = owner.new_question()
        assert who_is_missing(asked) == {"inventory"}
        owner.learn(Answer(subscriber="inventory", question=asked, known=[], confirms=LONG_AGO))
        assert who_is_missing(asked) == set()

    def test_whoever_does_not_answer_is_named(
        self, db: None, said: list[tuple[str, Message]]
    ) -> None:
        claims.put_up([Claim("order", str(uuid7()), 3, uuid7())], "inventory")

        with pytest.raises(NoAnswer, match="inventory did not answer"):
            gather(0.1)
        with pytest.raises(NoAnswer, match="inventory did not answer"):
            ask_all(0.1)
        ask_all(0.1, without=["inventory"])
