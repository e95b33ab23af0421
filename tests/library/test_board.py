"""The board: what this service reports of itself, and the whole of several parts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from order_service.models import Order
from polder.admin import board as board_page
from polder.admin.board_drawing import drawing
from polder.admin.board_words import headline, shown
from polder.admin.models import OperatorAction
from polder.api.models import Scope
from polder.conditions import State
from polder.observability.board.part import board_part
from polder.observability.board.shapes import BoardPart, Stream
from polder.observability.board.whole import Board, board_of
from polder.outbox.models import OutboxEvent
from polder.outbox.publish import publish
from polder.replication import freshness
from polder.testing import deliver
from polder.testing.admin_pages import staff_client, superuser_client
from polder.testing.api import api_client
from tests.makers import order_event, product_event, stock_event

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def looked_at_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_page, "_looked", board_page._Shared())


def test_the_part_counts_the_same_events_on_both_sides(db: None) -> None:
    before = timezone.now() - timedelta(hours=1)
    deliver(product_event(version=2), product_event(version=1), stock_event(), b"{")
    freshness.note("worker", {"inventory": timezone.now() - timedelta(seconds=3)})
    publish(order_event())
    publish(order_event())
    OutboxEvent.objects.filter(pk=OutboxEvent.objects.all()[0].pk).update(
        published_at=timezone.now()
    )

    part = board_part(before)

    assert (part.service, part.published, part.unpublished, part.parked) == ("order", 1, 1, 1)
    [inventory] = [one for one in part.streams if one.publisher == "inventory"]
    assert (inventory.applied, inventory.stale, inventory.processed) == (2, 1, 3)
    assert inventory.lag_p50 is not None
    assert inventory.last_applied_at
    assert inventory.behind is not None
    assert inventory.behind >= 3
    nothing = board_part(timezone.now() + timedelta(minutes=1))
    assert (nothing.published, nothing.streams[0].processed) == (0, 0)


def test_the_api_answers_the_part(db: None) -> None:
    answer = api_client(Scope.OPS).get("/ops/standing?since=2026-07-01T11:00:00Z")

    assert answer.status_code == 200
    assert BoardPart.model_validate(answer.json()).since == NOW - timedelta(hours=1)
    assert api_client(Scope.OPS).get("/ops/standing?since=yesterday").status_code == 400


def part(service: str, published: int, *streams: Stream, state: State = State.OK) -> BoardPart:
    return BoardPart(
        service=service,
        since=NOW - timedelta(hours=1),
        state=state,
        problems=() if state is State.OK else ("the relay is away",),
        published=published,
        unpublished=0,
        oldest_unpublished=0,
        held=0,
        parked=0,
        drift=0,
        streams=streams,
        is_cut=False,
    )


def stream(publisher: str, applied: int, seconds_ago: float = 1, stale: int = 0) -> Stream:
    last = NOW - timedelta(seconds=seconds_ago)
    return Stream(
        publisher=publisher, applied=applied, stale=stale, lag_p50=0.01, last_applied_at=last
    )


def board(*parts: BoardPart, **silent: str) -> Board:
    return board_of(parts, silent, NOW)


def test_all_is_through() -> None:
    whole = board(part("order", 7), part("inventory", 3, stream("order", 5, stale=2)))

    [account] = shown(whole)["accounts"]
    assert account["whole"] == "7 published"
    assert account["parts"] == "5 applied + 2 stale + 0 on the way"
    assert (account["state"], headline(whole)) == ("through", "Everything is through.")


def test_what_is_on_its_way_moves_or_is_stuck() -> None:
    moving = board(part("order", 9), part("inventory", 3, stream("order", 5)))
    stuck = board(part("order", 9), part("inventory", 3, stream("order", 5, seconds_ago=42)))

    assert shown(moving)["accounts"][0]["state"] == "moving"
    assert headline(moving) == "Events are on their way: 4; to be published: 0."
    assert headline(stuck) == (
        "inventory has applied nothing from order for 42.0 s, and 4 are on the way."
    )
    assert [one["state"] for one in drawing(stuck)["arrows"]] == ["stuck"]


def test_who_is_silent_is_named() -> None:
    whole = board(part("order", 9, stream("inventory", 1)), inventory="no answer within 1 s")

    assert headline(whole) == "inventory did not answer."
    assert [one["state"] for one in shown(whole)["services"]] == ["no answer", "ok"]
    assert shown(whole)["accounts"][0]["whole"] == "published: not known"
    assert [one["told"] for one in drawing(whole)["boxes"]] == ["no answer", "0 to publish"]


def test_the_page_and_its_event_show_the_same(db: None) -> None:
    root = superuser_client()

    page, event = root.get("/ops/board/"), root.get("/ops/board/live")

    said, told = page.context["said"], event.content.decode()
    assert f">{said}<" in page.content.decode()
    assert event["Content-Type"] == "text/event-stream"
    assert told.startswith("retry: 1000\ndata: ")
    assert told.endswith("\n\n")
    assert f'data-said-now="{said}"' in told
    assert staff_client().get("/ops/board/").status_code == 403


def place(client: Client, number: int, drawn: str) -> str:
    form = {"action": f"place-{number}", "drawn": drawn}
    answer = client.post("/ops/board/do", form, follow=True)
    [message] = answer.context["messages"]
    return str(message)


def test_orders_are_placed_once_for_each_form(db: None) -> None:
    deliver(product_event(), stock_event())
    root, drawn = superuser_client(), str(uuid4())

    assert place(root, 1, drawn) == "1 order placed."
    assert place(root, 1, drawn) == "This form was sent before: nothing was done again."
    assert place(root, 100, str(uuid4())) == "100 orders placed."

    assert Order.objects.count() == 101
    assert OperatorAction.objects.filter(operator="root", target="board").count() == 2


def test_nothing_can_be_placed_without_products(db: None) -> None:
    assert "no product" in place(superuser_client(), 1, str(uuid4()))
    assert not OperatorAction.objects.exists()
