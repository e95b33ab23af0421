"""The page of parked events by cause, and what is asked for of all of a cause there."""

from __future__ import annotations

import json
import re
from html import unescape
from uuid import uuid4

import pytest
from django.test import Client
from uuid_utils.compat import uuid7

from polder.admin.models import OperatorAction
from polder.inbox import bulk
from polder.inbox.models import BulkOperation, ParkedEvent
from polder.replication.models import ReplicaState
from polder.resync import tending
from polder.testing import deliver
from polder.testing.admin_pages import (
    detail_address,
    list_address,
    operate,
    operation_address,
    staff_client,
    superuser_client,
)
from tests.library.test_redrive_command import park, states
from tests.makers import product_event, reservation_event


@pytest.fixture
def operator(db: None, monkeypatch: pytest.MonkeyPatch) -> Client:
    park(monkeypatch, 3)
    deliver(b"{")  # which is of no type
    return superuser_client()


def links(client: Client, label: str) -> list[str]:
    page = client.get("/admin/parked/").content.decode()
    return [unescape(one) for one in re.findall(rf'href="([^"]*)">{label}</a>', page)]


def confirm(client: Client, address: str, times: int = 1) -> list[str]:
    """Fills the form in and sends it so many times; the messages that the operator reads."""
    page = client.get(address).content.decode()
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    form = {name: unescape(value) for name, value in hidden} | {"reason": "fixed in 1.2"}
    answers = [client.post("/admin/parked/all/", form, follow=True) for _ in range(times)]
    return [str(message) for answer in answers for message in answer.context["messages"]]


def stock_reserved(subject: str) -> bytes:
    """That is parked: it says that it is of another order than its data."""
    said = json.loads(reservation_event().encode())
    return json.dumps(said | {"subject": subject}).encode()


def test_each_count_leads_to_as_many(operator: Client) -> None:
    found = {number: address for number in "31" for address in links(operator, number)}

    assert len(found) == 2
    for number, address in found.items():
        assert operator.get(address).context["cl"].result_count == int(number)


def test_all_of_a_cause_are_redriven_once(operator: Client) -> None:
    [address] = [one for one in links(operator, "Redrive all") if "ProductCreated" in one]

    told = confirm(operator, address, times=2)
    bulk.work()

    assert "Begun for 3 messages" in told[0]
    assert "sent before" in told[1]
    assert states() == {"redriven", "parked"}
    [action] = OperatorAction.objects.all()
    assert (action.action, action.reason, action.after) == (
        *("redrive all", "fixed in 1.2"),
        {"number": 3},
    )
    page = operator.get("/admin/parked/").content.decode()
    assert "3 of 3" in page
    assert "redriven-applied 3" in page


def test_a_slip_in_the_address_does_not_mean_all(operator: Client) -> None:
    [address, *_] = links(operator, "Discard all")

    assert operator.get(address).status_code == 200
    assert operator.get(address.replace("cause=", "reason=")).status_code == 404
    assert operator.get("/admin/parked/all/?action=discard&typ=ProductCreated").status_code == 404


def test_what_runs_is_paused_and_cancelled(operator: Client) -> None:
    confirm(operator, links(operator, "Discard all")[0])
    [one] = BulkOperation.objects.all()

    operate(operator, "pause", one, reason="too fast")
    assert bulk.work() == 0
    operate(operator, "cancel", one, reason="not these")

    one.refresh_from_db()
    assert one.state == "cancelled"
    assert states() == {"parked"}
    assert OperatorAction.objects.count() == 3


@pytest.mark.parametrize("allowed", ["redrive", "discard"])
def test_who_may_redrive_decides_nothing_about_what_is_discarded(
    operator: Client, allowed: str
) -> None:
    """Nor the other way around; by the list, by the page, and for several at once."""
    # Given one of each, and somebody who may begin one of them
    both = {
        action.value: bulk.begin(action, {}, reason="r", operator="root", form=uuid4())[0]
        for action in BulkOperation.Action
    }
    mine = both.pop(allowed)
    [others] = both.values()
    client = staff_client(
        f"polder_inbox.{allowed}_parkedevent", "polder_inbox.view_bulkoperation", name=allowed
    )

    for operation in ("pause", "resume", "cancel"):
        # Then nothing is done to the other one
        form = {
            "action": operation,
            "_selected_action": [str(others.pk)],
            "confirmed": "1",
            "drawn": str(uuid4()),
            "reason": "x",
        }
        assert client.post(list_address(BulkOperation), form).status_code == 403
        assert client.get(operation_address(others, operation)).status_code == 403
        assert client.get(operation_address(mine, operation)).status_code == 200
    for row, is_offered in ((mine, True), (others, False)):
        page = client.get(detail_address(row)).content.decode()
        assert (operation_address(row, "cancel") in page) == is_offered

    # and of both it is said which is left out
    form |= {"action": "pause", "_selected_action": [str(mine.pk), str(others.pk)]}
    told = client.post(list_address(BulkOperation), form, follow=True).context["messages"]
    assert [str(one) for one in told] == [
        "1 row is left out: you may not begin what it does.",
        "Pause: 1 of 1 done.",
    ]
    states = {one.action: one.state for one in BulkOperation.objects.all()}
    assert states == {allowed: "paused", others.action: "running"}


def test_who_may_do_both_decides_about_both(operator: Client) -> None:
    rows = [
        bulk.begin(action, {}, reason="r", operator="root", form=uuid4())[0]
        for action in BulkOperation.Action
    ]
    client = staff_client(
        *(f"polder_inbox.{action}_parkedevent" for action in BulkOperation.Action.values),
        "polder_inbox.view_bulkoperation",
    )

    assert operate(client, "pause", *rows, reason="x") == ["Pause: 2 of 2 done."]
    assert operate(client, "cancel", *rows, reason="x") == ["Cancel: 2 of 2 done."]


def test_the_present_state_is_fetched_from_the_owner(operator: Client) -> None:
    [address] = [one for one in links(operator, "Fetch present state") if "ProductCreated" in one]

    told = confirm(operator, address)

    assert "3 of inventory.product" in told[0]
    state = ReplicaState.objects.get(pk="inventory.product")
    assert state.asking == ["p0", "p1", "p2"]
    one = ParkedEvent.objects.get(subject="p1")
    assert operate(operator, "fetch", one, reason="again") == ["Fetch present state: 1 of 1 done."]


def test_what_no_row_can_be_of_is_not_asked_for(operator: Client) -> None:
    """The housekeeper would ask for it, and for nothing else, for ever."""
    of_none = stock_reserved("no-uuid")
    deliver(of_none, stock_reserved(key := str(uuid7())))
    [address] = [one for one in links(operator, "Fetch present state") if "StockReserved" in one]

    told = confirm(operator, address)

    assert "1 of inventory.reservation" in told[0]
    tending.ask_again()  # whether or not somebody listens
    assert ReplicaState.objects.get(pk="inventory.reservation").asking == [key]
    one = ParkedEvent.objects.get(subject="no-uuid")
    [said] = operate(operator, "fetch", one, reason="again")
    assert "they do not say of which aggregate they are" in said


def test_the_page_says_what_is_here(operator: Client) -> None:
    one = ParkedEvent.objects.get(subject="p1")
    missing = operator.get(detail_address(one)).content.decode()
    deliver(product_event(product_id="p1", version=7))
    newer = operator.get(detail_address(one)).content.decode()

    assert "what this event tells is missing" in missing
    assert "inventory.product is at version 7" in newer
    assert "nothing of it is missing any more" in newer


def with_version(version: str) -> bytes:
    event = product_event().encode()
    return event.replace('"aggregateversion":1', f'"aggregateversion":{version}').encode()


@pytest.mark.parametrize(
    "message",
    [
        b"[" * 50_000,
        b'{"text": "\\ud800"}',
        b"\xff\xfe\x00",
        b"",
        with_version("1e999"),
        with_version("-Infinity"),
        with_version("9" * 5_000),
        with_version("[1]"),
        stock_reserved("no-uuid"),
    ],
    ids=lambda message: str(message[:20]),
)
def test_whatever_is_parked_has_a_page(db: None, message: bytes) -> None:
    deliver(message)
    [one] = ParkedEvent.objects.all()

    assert superuser_client().get(detail_address(one)).status_code == 200


def test_who_may_only_look_is_offered_nothing(operator: Client) -> None:
    viewer = staff_client("polder_inbox.view_parkedevent")

    assert "Redrive all" not in viewer.get("/admin/parked/").content.decode()
    assert viewer.get("/admin/parked/all/", {"action": "redrive"}).status_code == 403
    assert staff_client(name="nobody").get("/admin/parked/").status_code == 403
    assert operator.get("/admin/parked/all/", {"action": "x"}).status_code == 404
