"""Events are decoded leniently, and never at a loss."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polder.contracts.decode import decode
from tests.library.contracts.wire import AN_ORDER, data, envelope, line, outcome_of, reason_of
from tests.makers import order_event

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    max_leaves=5,
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\x00",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b"{'a': 1}",
        "{}".encode("utf-16"),
        pickle.dumps({"type": "OrderCreated"}),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=[
        "empty",
        "cut",
        "NUL",
        "NaN",
        "Infinity",
        "UTF-8",
        "surrogate",
        "quotes",
        "UTF-16",
        "pickle",
        "deep",
        "deep objects",
        "deep, closed",
    ],
)
def test_no_json(body: bytes) -> None:
    assert reason_of(body) == "not-json"


@pytest.mark.parametrize("body", [b"[]", b"1", b'"OrderCreated"', b"null", b"true"])
def test_no_event(body: bytes) -> None:
    assert reason_of(body) == "not-an-event"


@pytest.mark.parametrize(
    "kind",
    ["OrderEaten", "", None, 5, ["OrderCreated"], {}, "OrderEvent", "Event", "x" * 10_000, ...],
)
def test_an_unknown_type(kind: object) -> None:
    assert reason_of(envelope(type=kind)) == "unknown-type"


@pytest.mark.parametrize("version", ["3", "7", "999999999"])
def test_a_newer_version(version: str) -> None:
    assert reason_of(envelope(dataschema=f"order/OrderCreated/{version}")) == "newer-version"


@pytest.mark.parametrize(
    "body",
    [
        *(
            envelope(**{name: ...})
            for name in (
                "id",
                "source",
                "subject",
                "time",
                "dataschema",
                "aggregateversion",
                "correlationid",
                "data",
            )
        ),
        *(
            envelope(dataschema=schema)
            for schema in (
                "order/OrderConfirmed/1",
                "1",
                "",
                "order/OrderCreated/-1",
                "order/OrderCreated/1.0",
                None,
                1,
            )
        ),
        envelope(dataschema="order/OrderCreated/" + "9" * 10),
        envelope(dataschema="order/OrderCreated/²"),
        envelope(dataschema="order/OrderCreated/0"),
        envelope(specversion="0.3"),
        envelope(id="not a uuid"),
        envelope(subject=""),
        envelope(subject="x" * 65),
        envelope(subject="a\x00b"),
        envelope(subject="another order"),
        envelope(subject=AN_ORDER.subject.upper()),
        envelope(time="yesterday"),
        envelope(time="2026-01-01T00:00:00"),
        envelope(aggregateversion=0),
        envelope(aggregateversion=-1),
        envelope(aggregateversion=2**63),
        envelope(aggregateversion=1.5),
        envelope(aggregateversion="many"),
        envelope(data=None),
        envelope(data=[]),
        data(status="eaten"),
        data(orderId="p1"),
        data(products=5),
        data(products=[line()] * 2),
        data(products=[line(quantity=0)]),
        data(products=[line(quantity=2**31)]),
        data(products=[line(amount="1.999")]),
        data(products=[line(amount="-1")]),
        data(products=[line(amount="NaN")]),
        data(products=[line(currency="euro")]),
        data(customer={"givenName": "a\x00b", "familyName": "b", "email": "a"}),
        data(customer={"givenName": "x" * 501, "familyName": "b", "email": "a"}),
    ],
)
def test_invalid(body: dict[str, Any]) -> None:
    assert reason_of(body) == "invalid"


@pytest.mark.parametrize("member", ["type", "dataschema"])
def test_a_number_of_thousands_of_digits(member: str) -> None:
    for digits in (4_200, 6_000):
        assert reason_of(f'{{"type": "OrderCreated", "{member}": {"9" * digits}}}'.encode()) in {
            "not-json",
            "invalid",
            "unknown-type",
        }


def test_a_number_beyond_all() -> None:
    body = order_event().encode().replace('"aggregateversion":1', '"aggregateversion":1e400')

    assert reason_of(body.encode()) in {"invalid", "not-json"}


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-01T00:00:00+23:59",
        "2026-01-01T00:00:00-23:59",
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:59:59-10:00",
        10**11,
        -(10**10),
    ],
)
def test_a_time_is_in_utc_or_is_refused(time: object) -> None:
    """PostgreSQL knows no offset beyond 16 hours, and Python no year beyond 9999: both would fail
    long after reading."""
    assert outcome_of(envelope(time=time)) in {"invalid", "UTC"}


@pytest.mark.parametrize("time", ["2026-12-31T23:59:60Z", "2026-12-31T23:59:60.25+00:00"])
def test_a_leap_second_is_the_end_of_the_second_before(time: str) -> None:
    event = decode(json.dumps(envelope(time=time)).encode())

    assert event.time == datetime(2026, 12, 31, 23, 59, 59, 999999, UTC)


def test_of_duplicate_members_the_last_counts() -> None:
    body = order_event().encode()[:-1] + ',"aggregateversion":8,"aggregateversion":7}'

    assert decode(body.encode()).aggregateversion == 7


@given(st.binary(max_size=200))
def test_whatever_the_bytes(body: bytes) -> None:
    assert reason_of(body) in {"not-json", "not-an-event", "unknown-type", "invalid"}


@given(st.dictionaries(st.sampled_from(sorted(envelope())), ANYTHING, min_size=1))
def test_whatever_the_members(changes: dict[str, Any]) -> None:
    """An event, or Unreadable: nothing else comes out of `decode`."""
    assert outcome_of(envelope(**changes)) in {
        "not-json",
        "unknown-type",
        "newer-version",
        "invalid",
        "foreign",
        "UTC",
    }
