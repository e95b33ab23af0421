"""The board, while a service is away and comes back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.blackbox.shop import Shop
from tests.browser.person import Person
from tests.disturbed import DisturbedStack

SAID = "#polder-board-said"


def test_inventory_is_away_and_comes_back(
    stack: DisturbedStack, shop: Shop, person: Callable[..., Person]
) -> None:
    # Given a shop at rest, on the board
    watcher = person("order")
    watcher.open("/ops/board/")
    watcher.sees("Everything is through.", SAID)

    # When inventory's worker stops, and orders are placed
    stack.stop_process("inventory-worker")
    watcher.press("Place 100 orders")
    watcher.sees("100 orders placed.")

    # Then it is said who is behind, and how much waits
    watcher.sees("inventory has applied nothing from order", SAID)
    watcher.page.locator(".polder-arrow.polder-stuck").first.wait_for(state="attached")

    # When its web is away as well, Then it is named
    stack.stop_process("inventory-web")
    watcher.sees("inventory did not answer.", SAID)

    # When it is back, Then all goes through, and the account is even
    stack.start_process("inventory-web", "inventory-worker")
    watcher.sees("Everything is through.", SAID)
    accounts = watcher.page.locator("#polder-board .polder-pair").all_inner_texts()
    assert "order → inventory" in accounts
    assert "stuck" not in watcher.page.locator("#polder-board").inner_text().lower()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_fit_for_a_phone_and_a_keyboard(
    scheme: str, shop: Shop, person: Callable[..., Person]
) -> None:
    watcher = person("order", viewport={"width": 375, "height": 700}, color_scheme=scheme)
    watcher.open("/ops/board/")
    assert watcher.fits()

    watcher.page.get_by_role("button", name="Place an order").focus()
    watcher.page.keyboard.press("Enter")

    watcher.sees("1 order placed.")
    assert watcher.page.get_by_role("status").count() >= 1
    assert watcher.page.get_by_role("img", name="The services and the events").count() == 1


@pytest.mark.parametrize("page", ["/ops/board/", "/admin/"])
def test_who_was_signed_out_is_told(page: str, person: Callable[..., Person]) -> None:
    watcher = person("order")
    watcher.open(page)

    watcher.page.context.clear_cookies()

    watcher.sees("You are signed out")
    # the browser complains of the page that asks to sign in, where events were to come
    assert all("text/event-stream" in one for one in watcher.complaints), watcher.complaints
    watcher.complaints.clear()
