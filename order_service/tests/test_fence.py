"""The fence: what another service knows better than we do, nobody acts on, until our version has
passed it or somebody accepts it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient
from uuid_utils.compat import uuid7

from common.contracts.inventory import StockReserved
from common.contracts.orders import OrderCreated
from order_service.models import Order, Reservation
from order_service.services import Line, order_cancel
from order_service.tasks import deadlines
from order_service.tests.test_api import ORDER
from order_service.tests.test_claims import claim
from order_service.tests.test_deadlines import later
from order_service.tests.test_placing import place
from polder.inbox.models import ParkedEvent
from polder.outbox import claims, fence
from polder.outbox.fence import FencedAggregate
from polder.outbox.guard.bypass import unguarded
from polder.outbox.models import Fenced, OutboxEvent
from polder.reconcile.periodic import reconcile_overdue
from polder.testing import deliver
from polder.testing.api import assert_problem, post
from tests.makers import order_event, reservation_event

pytestmark = pytest.mark.usefixtures("catalogue")


@pytest.fixture(autouse=True)
def _commits(django_capture_on_commit_callbacks: Any) -> Iterator[None]:
    with django_capture_on_commit_callbacks(execute=True):
        yield


def set_back(order: Order, *, known_version: int = 4) -> None:
    """Inventory says that it knows the order at a newer version."""
    assert claims.put_up([claim(order.pk, known_version)], "inventory") == 1


class TestNobodyActsOnIt:
    def test_a_request(self, api: APIClient) -> None:
        order = place(Line("p1", 1)).order
        set_back(order)

        problem = assert_problem(post(api, f"/api/orders/{order.pk}/cancel/", {}), 409, "fenced")

        assert (problem["knownVersion"], problem["version"], problem["reportedBy"]) == (
            4,
            1,
            "inventory",
        )
        assert "inventory knows version 4 of order" in problem["detail"]
        assert "this one has version 1: restored from a backup?" in problem["detail"]
        order.refresh_from_db()
        assert (order.status, OutboxEvent.objects.count()) == ("pending", 1)

    def test_a_use_case(self) -> None:
        order = place(Line("p1", 1)).order
        set_back(order)

        with pytest.raises(FencedAggregate), transaction.atomic():
            order_cancel(order_id=order.pk)

    def test_a_reconcile_function_leaves_it_alone_and_does_the_others(self) -> None:
        """Nothing is parked, and nothing halted."""
        fenced, free = place(Line("p1", 1)).order, place(Line("p1", 1)).order
        set_back(fenced)

        deliver(*(reservation_event(StockReserved, order_id=order.pk) for order in (fenced, free)))

        assert dict(Order.objects.values_list("pk", "status")) == {
            fenced.pk: "pending",
            free.pk: "confirmed",
        }
        assert Reservation.objects.count() == 2
        assert not ParkedEvent.objects.exists()

    def test_periodic_reconciliation_does_it_when_the_fence_has_gone(self) -> None:
        order = place(Line("p1", 1)).order
        set_back(order)
        deliver(reservation_event(StockReserved, order_id=order.pk))
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE replica_reservation SET synced_at = now() - interval '2 minutes'"
            )
        reconcile_overdue()
        order.refresh_from_db()
        assert order.status == "pending"

        # When healed to above all that was seen
        Order.objects.filter(pk=order.pk).update(version=5)
        assert fence.lift_overtaken() == 1
        reconcile_overdue()

        order.refresh_from_db()
        assert order.status == "confirmed"
        assert not fence.stands()

    def test_the_deadline_leaves_it_alone_and_cancels_the_others(self) -> None:
        fenced, free = place(Line("p1", 1)).order, place(Line("p1", 1)).order
        set_back(fenced)

        later(days=2)

        assert deadlines()["cancelled"] == 1
        assert dict(Order.objects.values_list("pk", "status")) == {
            fenced.pk: "pending",
            free.pk: "cancelling",
        }

    def test_what_is_made_anew_under_a_key_that_others_know(self) -> None:
        gone = uuid7()
        claims.put_up([claim(gone, 2)], "inventory")

        with pytest.raises(FencedAggregate, match="this one has none"), transaction.atomic():
            fence.check([order_event(OrderCreated, order_id=gone)])


class TestAskedForAgain:
    def test_nothing_new_is_taken_while_something_is_forgotten(self, api: APIClient) -> None:
        """Its answers to requests were set back, too: the client repeats one that was carried
        out.
        """
        claims.put_up([claim(uuid7(), 2)], "shipping")

        response = post(api, "/api/orders/", ORDER, key="k1")

        problem = assert_problem(response, 503, "past-came-back")
        assert "others know 1 that order has forgotten" in problem["detail"]
        assert response["Retry-After"] == "60"
        assert not Order.objects.exists()
        assert not OutboxEvent.objects.exists()

    def test_what_is_only_older_does_not_stop_new_ones(self, api: APIClient) -> None:
        set_back(place(Line("p1", 1)).order)

        assert post(api, "/api/orders/", ORDER).status_code == 201

    def test_an_answer_that_we_have_is_given(self, api: APIClient) -> None:
        assert post(api, "/api/orders/", ORDER, key="k1").status_code == 201
        claims.put_up([claim(uuid7(), 2)], "shipping")

        assert post(api, "/api/orders/", ORDER, key="k1")["Idempotent-Replayed"] == "true"


class TestItEnds:
    def test_not_before_our_version_is_above_what_was_told(self) -> None:
        order = place(Line("p1", 1)).order
        set_back(order, known_version=4)

        for version, lifted in ((3, 0), (4, 0), (5, 1), (5, 0)):
            with unguarded("healed"):
                Order.objects.filter(pk=order.pk).update(version=version)
            assert fence.lift_overtaken() == lifted

    def test_of_more_than_one_statement_takes(self) -> None:
        order = place(Line("p1", 1)).order
        set_back(order)
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO polder_outbox_fenced (aggregate, key, known_version, known_event_id,
                    reported_by, is_forgotten, since, lifted_by, reason)
                SELECT 'order.order', gen_random_uuid()::text, 2, gen_random_uuid(), 'inventory',
                    true, now(), '', '' FROM generate_series(1, 70000)
                """
            )

        with unguarded("healed"):
            Order.objects.filter(pk=order.pk).update(version=5)

        assert fence.lift_overtaken() == 1

    def test_by_an_operator_for_good(self, api: APIClient) -> None:
        # Given
        gone = uuid7()
        claims.put_up([claim(gone, 2)], "shipping")

        # When
        told = regressed(
            "--accept", "--key", str(gone), "--by", "ada", "--reason", "it was a test order"
        )

        # Then it is not put up again by those who say the same again
        assert told == "1 accepted: nothing is in the way of what this service does with them now"
        assert claims.put_up([claim(gone, 2)], "shipping") == 0
        assert post(api, "/api/orders/", ORDER).status_code == 201
        assert list(Fenced.objects.values_list("lifted_by", "reason")) == [
            ("ada", "it was a test order")
        ]

        # But by those who know still more
        assert claims.put_up([claim(gone, 3)], "inventory") == 1

    def test_never_by_a_key_that_is_not_fenced(self) -> None:
        """A slip of the pen is told, and nothing is accepted."""
        claims.put_up([claim(gone := uuid7(), 2)], "shipping")
        slip = str(uuid7())

        with pytest.raises(CommandError, match=f"not fenced: {slip}. Nothing was accepted"):
            regressed("--accept", "--key", str(gone), "--key", slip, "--by", "ada", "--reason", "r")
        assert fence.stands()

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--accept"],
            ["--accept", "--all", "--by", "ada"],
            ["--accept", "--by", "ada", "--reason", "r"],
        ],
    )
    def test_never_in_passing(self, arguments: Sequence[str]) -> None:
        claims.put_up([claim(uuid7(), 2)], "shipping")

        with pytest.raises(CommandError, match="--accept needs"):
            regressed(*arguments)
        assert fence.stands()


class TestItIsShown:
    def test_by_the_command(self) -> None:
        assert regressed() == "Nobody knows anything of this service better than it does."
        order = place(Line("p1", 1)).order
        claims.put_up([claim(order.pk, 4), claim(gone := uuid7(), 2)], "shipping")

        assert {
            (row["key"], row["known_version"], row["is_forgotten"])
            for row in json.loads(regressed("--json"))
        } == {
            (str(order.pk), 4, False),
            (str(gone), 2, True),
        }
        table = regressed()
        assert all(
            text in table
            for text in (str(order.pk), str(gone), "forgotten", "otherwise", "shipping")
        )

    def test_in_readyz(self, client: Client) -> None:
        claims.put_up([claim(uuid7(), 2)], "shipping")

        ready = client.get("/readyz")

        [problem] = [problem for problem in ready.json()["problems"] if "past" in problem]
        assert "this service's past came back: others know 1 of its aggregates better" in problem
        assert "takes nothing new on request" in problem

    def test_in_the_log_once(
        self, caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: Any
    ) -> None:
        with caplog.at_level(logging.CRITICAL), django_capture_on_commit_callbacks(execute=True):
            for _ in range(3):
                claims.put_up([claim(uuid7(), 2)], "shipping")

        [line] = [
            record.getMessage() for record in caplog.records if "came back" in record.getMessage()
        ]
        assert "the past of order came back" in line


def test_it_costs_nothing_where_nothing_is_fenced() -> None:
    with CaptureQueriesContext(connection) as queries:
        place(Line("p1", 1))

    assert not [
        query
        for query in queries.captured_queries
        if query["sql"].startswith('SELECT "polder_outbox_fenced"')
    ]


def regressed(*arguments: str) -> str:
    said = StringIO()
    call_command("regressed", *arguments, stdout=said)
    return said.getvalue().strip()
