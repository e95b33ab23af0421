"""The admin's first page: each number leads to a list of as many rows, and everybody sees what they
may look at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest
from django.contrib import admin
from django.test import Client
from django.utils import timezone
from uuid_utils.compat import uuid7

from polder.admin.overview import LISTED
from polder.effects.models import Intent
from polder.inbox.models import ParkedEvent
from polder.outbox.models import OutboxEvent
from polder.outbox.publish import publish
from polder.replication.models import Drift, Regression
from polder.testing import deliver
from polder.testing.admin_pages import staff_client, superuser_client
from polder.testing.effects import an_effect
from tests.makers import order_event, product_event


@pytest.fixture
def things_wrong(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of everything, and beside it some that is no longer wrong."""
    publish(*(order_event() for _ in range(5)))
    published, held, *_ = OutboxEvent.objects.values_list("pk", flat=True)
    OutboxEvent.objects.filter(pk=published).update(published_at=timezone.now())
    OutboxEvent.objects.filter(pk=held).update(held_at=timezone.now())
    about = {
        "aggregate": "inventory.product",
        "event_id": uuid7(),
        "version": 1,
        "stored_hash": "a",
        "event_hash": "b",
    }
    Drift.objects.create(**about, key="p1", repaired_at=timezone.now())
    Drift.objects.create(**about, key="p2")
    known = {
        "aggregate": "inventory.product",
        "known_version": 2,
        "known_event_id": uuid7(),
        "sent_version": 1,
        "sent_event_id": uuid7(),
    }
    Regression.objects.create(**known, key="p1", closed_at=timezone.now())
    Regression.objects.create(**known, key="p2")
    Intent.objects.filter(pk=an_effect().pk).update(state="failed")
    with monkeypatch.context() as patch:
        patch.setattr("polder.inbox.processing.reconcile_changed", lambda changed: 1 / 0)
        deliver(product_event(product_id="p1"), product_event(product_id="p2", version=2))
        deliver(product_event(product_id="p3"))
    ParkedEvent.objects.filter(subject="p3").update(state="discarded")
    ParkedEvent.objects.filter(subject="p2").update(type="StockChanged")
    deliver(
        b"{", b"[", product_event().encode().replace("ProductCreated", "ProductPraised").encode()
    )


def counted_links(client: Client) -> Iterator[tuple[int, str]]:
    """Every number of the first page that is a link, and where it leads."""
    page = client.get("/admin/").content.decode()
    for link, content in re.findall(
        r'<a\b[^>]*href="(/admin/[^"]*\?[^"]*)"[^>]*>(.*?)</a>', page, re.DOTALL
    ):
        [number] = re.findall(r">\s*(\d+)\s*<", f">{content}<")
        yield int(number), unescape(link)


def test_every_number_leads_to_as_many_rows(things_wrong: None) -> None:
    client = superuser_client()

    links = list(counted_links(client))

    assert {link.partition("?")[0].split("/")[3] for _, link in links} == {
        "outboxevent",
        "parkedevent",
        "intent",
        "drift",
        "regression",
    }
    assert [number for number, _ in links[:6]] == [3, 1, 5, 1, 1, 1]
    assert len(links) == 6 + 4  # the cards, and the causes of parking
    for number, link in links:
        assert client.get(link).context["cl"].result_count == number, link


def test_more_causes_than_are_listed(db: None) -> None:
    for number in range(LISTED + 5):
        ParkedEvent.objects.create(
            queue="order.from.inventory",
            body_hash=f"{number}",
            body=b"",
            reason=f"Reason{number}",
            error="",
        )

    client = superuser_client()

    assert "There are more causes" in client.get("/admin/").content.decode()
    for number, link in counted_links(client):
        assert client.get(link).context["cl"].result_count == number, link


@pytest.mark.parametrize(
    ("permission", "seen", "not_seen"),
    [
        ("polder_inbox.view_parkedevent", "Parked, by cause", "What operators did last"),
        ("polder_outbox.view_outboxevent", "Unpublished", "Parked"),
        ("polder_admin.view_operatoraction", "What operators did last", "Unpublished"),
        ("polder_inbox.view_ledgerentry", "Last applied", "Unpublished"),
    ],
)
def test_everybody_sees_what_they_may_look_at(
    things_wrong: None, permission: str, seen: str, not_seen: str
) -> None:
    page = staff_client(permission).get("/admin/").content.decode()

    assert seen in page
    assert not_seen not in page


def test_a_value_that_no_filter_offers_is_filtered_by(things_wrong: None) -> None:
    listed = (
        superuser_client()
        .get("/admin/polder_inbox/parkedevent/", {"type": "ProductPraised"})
        .context["cl"]
    )

    assert [row.type for row in listed.result_list] == [
        row.type for row in ParkedEvent.objects.filter(type="ProductPraised")
    ]
    assert admin.site.is_registered(ParkedEvent)


def test_times_are_in_the_zone_that_the_user_has_chosen(things_wrong: None) -> None:
    client = superuser_client()
    assert ' UTC" class="whitespace-nowrap">' in client.get("/admin/").content.decode()

    client.cookies["polder_zone"] = "Asia/Tokyo"

    page = client.get("/admin/").content.decode()
    assert ' JST" class="whitespace-nowrap">' in page
    assert ' UTC" class="whitespace-nowrap">' not in page
    client.cookies["polder_zone"] = "../etc/passwd"
    assert ' UTC" class="whitespace-nowrap">' in client.get("/admin/").content.decode()
