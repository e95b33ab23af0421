"""The timeline of one key: what this service reports of it, and the story of several parts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from common.contracts.orders import OrderShipped
from polder.api.models import Scope
from polder.database.partitioning import covered, moment_of
from polder.effects.models import Intent
from polder.inbox.models import ParkedEvent
from polder.inbox.redrive import redrive
from polder.observability.timeline.lines import lines_of
from polder.observability.timeline.part import ledger_rows, part_of
from polder.observability.timeline.peers import whole_story
from polder.observability.timeline.shapes import Part
from polder.observability.timeline.story import story_of
from polder.outbox.models import OutboxEvent
from polder.outbox.publish import publish
from polder.replication.models import ReplicaState
from polder.testing import deliver
from polder.testing.admin_pages import staff_client, superuser_client
from polder.testing.api import api_client, api_key, assert_problem
from polder.testing.replicas import filled
from tests.makers import order_event, product_event

TIMELINE = "polder.observability.timeline"


def test_what_was_published_and_received(db: None) -> None:
    # Given
    created = product_event(product_id="p1")
    deliver(created, product_event(product_id="p2"))
    publish(ordered := order_event())
    OutboxEvent.objects.update(published_at=timezone.now())

    # When
    product, order = part_of("p1"), part_of(ordered.subject.upper())

    # Then
    [received] = product.received
    assert (received.event_id, received.aggregate) == (created.id, "inventory.product")
    assert received.outcome == "applied"
    [here] = product.here
    assert (here.aggregate, here.owned, here.version) == ("inventory.product", False, 1)
    [published] = order.published
    assert (published.event_id, published.aggregate) == (ordered.id, "order.order")
    assert (published.status, published.published_at is not None) == ("pending", True)
    assert part_of("nobody").is_empty


def test_what_is_parked_is_waited_for(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polder.inbox.processing.reconcile_changed", lambda changed: 1 / 0)
    deliver(product_event(product_id="p1"))

    part = part_of("p1")

    [parked] = part.parked
    assert (parked.reason, parked.state) == ("ZeroDivisionError", "parked")
    assert "parked (ZeroDivisionError)" in part.waits[0].what
    assert part.waits[0].since == ParkedEvent.objects.get().first_seen_at


def test_what_was_redriven_was_not_done_when_it_was_parked(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    with monkeypatch.context() as broken:
        broken.setattr("polder.inbox.processing.reconcile_changed", lambda changed: 1 / 0)
        deliver(event := product_event(product_id="p1"))
    before = story_of([part_of("p1")], {}, timezone.now())
    put_aside, again = event.time + timedelta(seconds=1), event.time + timedelta(hours=5)
    ParkedEvent.objects.update(first_seen_at=put_aside)

    # When
    number = ParkedEvent.objects.get().pk
    assert redrive(number) == "redriven"
    ParkedEvent.objects.update(last_seen_at=again)

    # Then
    story = story_of([part_of("p1")], {}, timezone.now())
    page = superuser_client().get("/admin/timeline/", {"key": "p1"}).content.decode()
    [parked], [receipt] = before.entries[0].receipts, story.entries[0].receipts
    assert (parked.outcome, parked.parked, parked.applied_at) == ("parked", number, None)
    assert (receipt.outcome, receipt.parked, receipt.applied_at) == ("applied", number, None)
    assert (receipt.received_at, receipt.redriven_at) == (
        put_aside,
        event.time + timedelta(hours=5),
    )
    told = f"applied, parked ({number}) after 1.0 s, redriven after 5 h"
    assert any(told in line for line in lines_of(story))
    assert f'/admin/polder_inbox/parkedevent/{number}/change/">{number}</a>' in page
    assert "after 1.0 s, redriven after 5 h" in page
    assert "done after" not in page


def test_an_effect_is_told_under_its_event_and_waited_for(db: None) -> None:
    # Given
    publish(shipped := order_event(OrderShipped))
    [under_way] = part_of(shipped.subject).effects
    long_ago = timezone.now() - timedelta(days=2)
    Intent.objects.update(state="failed", attempts=40, error="of a@b", waiting_since=long_ago)

    # When
    part = part_of(shipped.subject)
    story = story_of([_part("billing"), part], {}, timezone.now())
    page = superuser_client().get("/admin/timeline/", {"key": shipped.subject}).content.decode()

    # Then
    assert (under_way.state, under_way.attempts) == ("waiting", 0)
    [effect] = story.entries[0].effects
    assert (effect.service, effect.effect) == ("order", "mail_that_it_shipped")
    assert (effect.event_id, effect.state, effect.attempts) == (shipped.id, "failed", 40)
    [waited] = [one for one in story.waits if "effect" in one.what]
    assert waited.what == "the effect mail_that_it_shipped was given up after 40 attempts"
    assert waited.since == long_ago
    assert any("effect mail_that_it_shipped failed, 40 attempts" in one for one in lines_of(story))
    assert "effect mail_that_it_shipped</span>" in page
    assert "a@b" not in page + part.model_dump_json()


@pytest.mark.parametrize(("minutes", "waited"), [(0, 0), (2, 1)])
def test_an_effect_is_waited_for_when_it_is_late(db: None, minutes: int, waited: int) -> None:
    publish(shipped := order_event(OrderShipped))
    Intent.objects.update(waiting_since=timezone.now() - timedelta(minutes=minutes), attempts=3)

    waits = [one.what for one in part_of(shipped.subject).waits]

    late = "the effect mail_that_it_shipped has not happened, after 3 attempts"
    assert waits.count(late) == waited


def test_the_ledger_is_asked_by_its_index(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT * FROM polder_ledger WHERE subject = 'p1'")
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Bitmap Index Scan" in plan


def test_the_api_answers_the_part(db: None) -> None:
    deliver(product_event(product_id="a/b"))

    answer = api_client(Scope.OPS).get("/ops/timeline/a%2Fb")

    assert answer.status_code == 200
    assert Part.model_validate(answer.json()) == part_of("a/b")
    assert api_client(Scope.READ).get("/ops/timeline/p1").status_code == 403
    nothing = assert_problem(api_client(Scope.OPS).get("/ops/timeline/p1"), 404, "not-found")
    assert "inventory.product" in nothing["keeps"]
    assert "inventory.product" in nothing["knownSince"]


def test_the_command(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    deliver(product_event(product_id="p1"))

    call_command("timeline", "p1", "--here")

    told = capsys.readouterr().out
    assert "order      replica  inventory.product: version 1" in told
    assert "ProductCreated version 1" in told
    assert "-> order      applied after" in told


def test_the_command_is_for_programs_as_for_people(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for options in ((), ("--json",)):
        with pytest.raises(CommandError, match="nothing is known of p9"):
            call_command("timeline", "p9", "--here", *options)
    capsys.readouterr()

    # and of several keys it takes none by itself
    first, other = product_event(product_id="p1"), product_event(product_id="p2")
    deliver(first, other.model_copy(update={"correlationid": first.correlationid}))
    with pytest.raises(CommandError, match="belongs to p1, p2") as refused:
        call_command("timeline", str(first.correlationid), "--here", "--json")
    assert refused.value.returncode == 2
    assert capsys.readouterr().out == ""


def _part(service: str, **more: object) -> Part:
    return Part.model_validate({"service": service, "key": "p1", "keeps": (), **more})


EVER: Any = {"order.order": datetime(2026, 1, 1, tzinfo=UTC)}
ORDERS: Any = {"keeps": ("order.order",), "known_since": EVER}


def test_what_never_came_is_a_gap(db: None) -> None:
    # Given
    publish(event := order_event())
    OutboxEvent.objects.update(published_at=timezone.now())
    mine = part_of(event.subject)
    theirs = [
        _part("inventory", **ORDERS),
        _part("billing"),  # which does not subscribe
    ]

    # When
    soon = story_of([mine, *theirs], {"shipping": "no answer"}, datetime.now(UTC))
    late = story_of([mine, *theirs], {}, datetime.now(UTC) + timedelta(seconds=10))

    # Then
    assert not soon.gaps
    assert [(one.service, one.what) for one in soon.silent] == [("shipping", "no answer")]
    [gap] = late.gaps
    assert (gap.service, gap.since) == ("inventory", mine.published[0].published_at)
    assert "OrderCreated, version 1, has not come" in gap.what
    [entry] = late.entries
    assert [(one.service, one.outcome) for one in entry.receipts] == [("inventory", "missing")]


def test_what_came_before_receipts_are_known_is_no_gap(db: None) -> None:
    # Given
    publish(event := order_event())
    OutboxEvent.objects.update(published_at=timezone.now())
    soon = {"order.order": moment_of(event.id) + timedelta(seconds=1)}
    theirs = [
        _part("inventory", keeps=("order.order",), known_since=soon),
        _part("shipping", keeps=("order.order",)),
    ]

    # When
    later = datetime.now(UTC) + timedelta(seconds=10)
    story = story_of([part_of(event.subject), *theirs], {}, later)

    # Then
    assert not story.gaps
    outcomes = {one.service: one.outcome for one in story.entries[0].receipts}
    assert outcomes == {"inventory": "not known here", "shipping": "not known here"}


@pytest.mark.parametrize(("version", "gaps"), [(1, 1), (2, 0), (3, 0)])
def test_what_the_replica_has_is_no_gap(db: None, version: int, gaps: int) -> None:
    publish(event := order_event(version=2))
    OutboxEvent.objects.update(published_at=timezone.now())
    here = {"aggregate": "order.order", "owned": False, "version": version, "status": None}
    here |= {"since": timezone.now(), "event_id": None}

    later = datetime.now(UTC) + timedelta(seconds=10)
    theirs = _part("inventory", **ORDERS, here=[here])
    story = story_of([part_of(event.subject), theirs], {}, later)

    assert len([one for one in story.gaps if "has not come" in one.what]) == gaps


def test_receipts_are_known_since_the_subscription(db: None) -> None:
    name = "inventory.product"
    assert name not in part_of("p1").known_since

    state = filled(name)
    assert part_of("p1").known_since[name] == state.completed_at

    # filled once more after events came
    deliver(first := product_event(product_id="p1"))
    ReplicaState.objects.update(completed_at=timezone.now() + timedelta(hours=1))
    assert part_of("p1").known_since[name] == moment_of(first.id)

    # longer ago than the ledger reaches
    ReplicaState.objects.update(completed_at=timezone.now() - timedelta(days=1000))
    assert part_of("p1").known_since[name] == covered("polder_ledger")[0]


def test_a_ledger_that_was_not_searched_to_its_end(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows nothing that is older than the oldest receipt found."""
    deliver(product_event(product_id="p2"))
    deliver(old := product_event(product_id="p1"), product_event(product_id="p1", version=2))
    monkeypatch.setattr(
        f"{TIMELINE}.part.ledger_rows", lambda *asked: (ledger_rows(*asked)[0], True)
    )

    assert part_of("p1").known_since["inventory.product"] == moment_of(old.id)
    assert part_of("nobody").known_since == {}


def test_the_page_shows_it_and_who_did_not_answer(
    db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    publish(event := order_event())
    nobody = "http://inventory:key@127.0.0.1:1"
    settings.POLDER = {**settings.POLDER, "OPS_PEERS": {"inventory": nobody}}

    # When
    page = superuser_client().get("/admin/timeline/", {"key": str(event.id)}, follow=True)

    # Then
    assert page.redirect_chain == [(f"/admin/timeline/?key={event.subject}#event-{event.id}", 302)]
    shown = page.content.decode()
    assert "OrderCreated" in shown
    assert "inventory did not answer" in shown
    assert "key@" not in shown
    assert staff_client("polder_outbox.view_outboxevent").get("/admin/timeline/").status_code == 403


def test_another_service_is_asked_with_a_key(
    committed: None, live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This service stands for the other one: what it reports of itself is asked for over HTTP."""
    deliver(product_event(product_id="a/b"))
    host = live_server.url.removeprefix("http://")
    asked = {
        "inventory": f"http://inventory:{api_key(Scope.OPS)}@{host}",
        "shipping": f"http://shipping:{api_key(Scope.READ)}@{host}",
    }
    settings.POLDER = {**settings.POLDER, "OPS_PEERS": asked}

    story, unknown = whole_story("a/b"), whole_story("nobody")

    assert [one.service for one in story.here] == ["order", "order"]
    assert [(one.service, one.what) for one in story.silent] == [
        ("shipping", "it answered 403 Forbidden")
    ]
    assert unknown.is_empty
    assert [one.service for one in unknown.silent] == ["shipping"]

    monkeypatch.setattr(f"{TIMELINE}.peers.story_of", lambda parts, *_: parts)
    mine, theirs = cast("list[Part]", whole_story("nobody"))
    assert (theirs.keeps, theirs.known_since) == (mine.keeps, mine.known_since)
    assert "inventory.product" in theirs.known_since
