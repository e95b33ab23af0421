"""So many requests per second, and 429 beyond."""

from __future__ import annotations

import pytest
from django.test import Client
from rest_framework.test import APIClient

from polder.api import machines, rate, throttling
from polder.api.models import Scope
from polder.api.rate import BURST_SECONDS, Rate
from polder.testing.api import api_client, assert_problem

PRODUCTS = "/api/products/"


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rate, "time", clock)
    return clock


@pytest.fixture
def slow(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request per second, so two at once."""
    monkeypatch.setattr(throttling, "CALLERS", Rate(1))
    monkeypatch.setattr(throttling, "ADDRESSES", Rate(1))
    monkeypatch.setattr(machines, "COSTLY", Rate(20))  # it has seen another clock


def test_two_seconds_worth_at_once_and_then_evenly(clock: Clock) -> None:
    # Given a caller who has asked as much as it may at once
    rate = Rate(10)
    assert [rate.wait("a") for _ in range(int(10 * BURST_SECONDS))] == [0.0] * 20

    # Then it has to wait for as long as it is told, and being refused costs it nothing
    assert rate.wait("a") == rate.wait("a") == pytest.approx(0.1)
    clock.now += 0.11
    assert rate.wait("a") == 0.0
    assert rate.wait("a") > 0.0
    assert rate.wait("b") == 0.0


def test_who_was_silent_may_again_as_much_at_once_and_no_more(clock: Clock) -> None:
    rate = Rate(10)
    rate.wait("a")
    clock.now += 3600

    assert sum(rate.wait("a") == 0.0 for _ in range(100)) == 20


def test_its_memory_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given room for two
    monkeypatch.setattr(rate, "MOST_CALLERS", 2)
    known = Rate(1)
    for caller in ("a", "b", "a", "c"):
        known.wait(caller)

    # Then the one silent longest, b, is forgotten, and a is not
    assert known.wait("a") > 0.0
    assert list(known._due) == ["c", "a"]


def test_a_caller_is_told_when_to_come_back(db: None, slow: None, clock: Clock) -> None:
    # Given
    client = api_client()
    assert [client.get(PRODUCTS).status_code for _ in range(2)] == [200, 200]

    # When
    response = client.get(PRODUCTS)

    # Then
    assert_problem(response, 429, "throttled")
    assert response["Retry-After"] == "1"
    assert api_client().get(PRODUCTS).status_code == 200
    clock.now += 1
    assert client.get(PRODUCTS).status_code == 200


@pytest.mark.parametrize("header", [{}, {"HTTP_AUTHORIZATION": "Api-Key unknown"}])
def test_who_fails_to_say_who_it_is(db: None, slow: None, header: dict[str, str]) -> None:
    # Given two failures, as if from different places
    stranger = APIClient()
    for number in range(2):
        assert_problem(
            stranger.get(PRODUCTS, HTTP_X_FORWARDED_FOR=f"10.0.0.{number}", **header),
            401,
            "not-authenticated",
        )

    # When
    response = stranger.get(PRODUCTS, HTTP_X_FORWARDED_FOR="10.0.0.9", **header)

    # Then
    assert_problem(response, 429, "throttled")
    assert response["Retry-After"] == "1"
    assert api_client().get(PRODUCTS).status_code == 200  # from the same address


def test_who_may_not_what_it_asks_for(db: None, slow: None) -> None:
    client = api_client(Scope.OPS)
    for _ in range(2):
        assert_problem(client.get(PRODUCTS), 403, "not-permitted")

    assert_problem(client.get(PRODUCTS), 429, "throttled")


def test_the_documentation_is_throttled_by_address_and_its_problem_is_json(
    client: Client, slow: None
) -> None:
    for _ in range(2):
        assert client.get("/api/schema/").status_code == 200

    assert_problem(client.get("/api/schema/"), 429, "throttled")


def test_probes_are_not_counted_with_callers(client: Client, db: None, slow: None) -> None:
    assert {
        client.get(path).status_code for path in ("/livez", "/readyz", "/metrics") for _ in range(5)
    } == {200}
