"""What an operator does with the admin: finds a poison event, understands it, repairs it; looks at
an order's story; opens every page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from deploy.local.services import SERVICES
from tests.blackbox.shop import Shop, until
from tests.browser.person import Person
from tests.disturbed import DisturbedStack

SIGN_IN = Callable[..., Person]
# A bug that only some events meet: as one in a reconciler, or a rule in the database.
_BUG = """
CREATE FUNCTION no_bricks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.name LIKE 'Brick%' THEN RAISE EXCEPTION 'bricks cannot be ordered'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER no_bricks BEFORE INSERT ON replica_product
    FOR EACH ROW EXECUTE FUNCTION no_bricks()
"""


@contextmanager
def bug(stack: DisturbedStack) -> Iterator[Callable[[], object]]:
    """In the order service; what it gives fixes it."""
    with psycopg.connect(stack.environment.database_url("order", "ddl"), autocommit=True) as owner:
        owner.execute(_BUG)
        fix = "DROP FUNCTION IF EXISTS no_bricks CASCADE"
        try:
            yield lambda: owner.execute(fix)
        finally:
            owner.execute(fix)


def offer(shop: Shop, *products: str) -> None:
    for product in products:
        price = {"amount": "1.50", "currency": "EUR"}
        body = {"productId": product, "name": f"Brick {product}", "price": price}
        status, answer = shop.post("inventory", "/api/products/", body | {"weightGrams": 9})
        assert status == 201, answer


def parked(shop: Shop, number: int) -> None:
    count = "SELECT count(*) FROM polder_inbox_parkedevent WHERE state = 'parked'"
    until(lambda: shop.rows("order", count) == [(number,)], f"{number} parked", seconds=120)


def test_a_poison_event_is_found_understood_and_redriven(
    stack: DisturbedStack, shop: Shop, person: SIGN_IN
) -> None:
    with bug(stack) as fix:
        # Given an event that cannot be applied
        offer(shop, "brick-1")
        parked(shop, 1)

        # When somebody follows the overview to it
        operator = person("order")
        operator.follow("Parked, by cause")
        operator.sees("ProductCreated")
        operator.follow("1")
        operator.page.locator("#result_list tbody a").first.click()

        # Then the page says what was wrong, and where
        operator.sees("bricks cannot be ordered")
        operator.sees("brick-1")

        # When the cause is fixed, and the event redriven
        fix()
        operator.follow("Redrive")
        operator.give_reason("fixed in 1.2", "Redrive this parked event")

        # Then it is through, and kept who did it and why
        operator.sees("Redrive: 1 of 1 done.")
        operator.open("/admin/")
        operator.sees("fixed in 1.2")
        operator.open("/admin/timeline/?key=brick-1")
        operator.sees("applied", "#polder-story")
        assert shop.rows("order", "SELECT name FROM replica_product WHERE key = 'brick-1'")


def test_all_of_a_cause_are_redriven_in_the_background(
    stack: DisturbedStack, shop: Shop, person: SIGN_IN
) -> None:
    with bug(stack) as fix:
        offer(shop, "brick-2", "brick-3", "brick-4")
        parked(shop, 3)
        operator = person("order")
        fix()

        operator.open("/admin/parked/")
        operator.follow("Redrive all")
        operator.sees("3 parked")
        operator.give_reason("fixed in 1.3", "Redrive all")

        operator.sees("Begun for 3 messages, in the background.")
        operator.sees("3 of 3", "#polder-parked")  # the page tells by itself
        operator.sees("Nothing is parked. Good.", "#polder-parked")
    found = shop.rows("order", "SELECT key FROM replica_product WHERE key LIKE 'brick-_'")
    assert {("brick-2",), ("brick-3",), ("brick-4",)} <= set(found)


def test_the_timeline_of_a_cancelled_order(shop: Shop, person: SIGN_IN) -> None:
    order_id = shop.place_ready(p1=1)
    status, _ = shop.cancel(order_id)
    assert status == 202
    shop.wait_for("order", order_id, "cancelled", seconds=120)
    shop.wait_for("inventory", order_id, "released", seconds=120)
    operator = person("order", viewport={"width": 375, "height": 700})

    operator.open(f"/admin/timeline/?key={order_id}")

    story = "#polder-story"
    for event in ("OrderCreated", "StockReserved", "ShipmentCancelled", "OrderCancelled"):
        operator.sees(event, story)
    assert operator.fits()
    assert "did not answer" not in operator.page.locator(story).inner_text()


def test_times_are_in_the_zone_that_the_operator_chooses(shop: Shop, person: SIGN_IN) -> None:
    # Given a browser in Amsterdam, whose operator sees UTC at first
    operator = person("order", timezone_id="Europe/Amsterdam")
    menu = operator.page.locator("[data-zones]")
    menu.locator("option").nth(1).wait_for(state="attached")
    offered = menu.evaluate("menu => [...menu.options].map(one => one.value)")
    assert offered[:2] == ["UTC", "Europe/Amsterdam"]
    assert menu.input_value() == "UTC"

    # When another is chosen
    menu.evaluate("menu => {menu.value = 'Asia/Tokyo'; menu.dispatchEvent(new Event('change'))}")

    # Then times are in that one, from then on
    operator.page.locator("time[title$=JST]").first.wait_for(state="attached")
    operator.open("/admin/")
    menu.locator("option").nth(1).wait_for(state="attached")
    assert menu.input_value() == "Asia/Tokyo"
    assert operator.page.locator("time[title$=UTC]").count() == 0


@pytest.mark.parametrize("service", SERVICES)
def test_no_page_makes_the_browser_complain(service: str, shop: Shop, person: SIGN_IN) -> None:
    """Each page that the sidebar leads to, and the newest row of each list."""
    shop.place_ready(p1=1)
    operator = person(service)
    links = operator.page.locator("#nav-sidebar a, nav a, aside a")
    addresses = {link.get_attribute("href") or "" for link in links.all()}
    pages = sorted(one for one in addresses if one.startswith(("/admin/", "/ops/", "/events/")))
    assert len(pages) > 15, pages

    own = ("/admin/parked/", "/admin/auth/user/add/", "/admin/auth/user/1/change/")
    for address in (*pages, *own, "/admin/password_change/", "/problems/busy/"):
        operator.open(address)
        row = operator.page.locator("#result_list tbody a").first
        if service == SERVICES[0] and row.count():
            operator.open(row.get_attribute("href") or "")
    operator.open("/api/docs/")
    operator.page.locator(".swagger-ui .info").wait_for()


def test_a_script_that_got_into_a_page_does_not_run(person: SIGN_IN) -> None:
    operator = person("order")
    operator.open("/admin/")

    operator.page.evaluate(
        """() => {
            const image = '<img src="x:" onerror="window.ran = 1">';
            document.body.insertAdjacentHTML("beforeend", image);
            const script = document.createElement("script");
            script.textContent = "window.ran = 1";
            document.body.append(script);
        }"""
    )

    until(lambda: len(operator.complaints) >= 2, "the browser refuses both")
    assert operator.page.evaluate("window.ran") is None
    assert all("Content Security Policy" in one for one in operator.complaints)
    operator.complaints.clear()


def test_a_keyboard_reaches_the_menu_and_the_sidebar(person: SIGN_IN) -> None:
    # On a phone, where the sidebar is closed
    operator = person("order", viewport={"width": 360, "height": 740})
    board = operator.page.locator("#nav-sidebar-apps").get_by_role("link", name="Board")
    assert not board.is_visible()
    sidebar = operator.page.get_by_role("button", name="Sidebar").locator("visible=true").first
    sidebar.focus()
    operator.page.keyboard.press("Enter")
    board.wait_for()

    # And the menu with the name, from which one leaves
    operator = person("order")
    leave = operator.page.get_by_role("button", name="Log out")
    assert not leave.is_visible()
    menu = operator.page.locator("[x-on\\:click*=openUserLinks]")
    menu.focus()
    operator.page.keyboard.press(" ")
    leave.wait_for()
    outline = "one => getComputedStyle(one).outlineStyle"
    assert menu.evaluate(outline) == "solid"


@pytest.mark.parametrize("width", [360, 800, 1280])
def test_nothing_of_a_user_s_page_lies_beside_the_window(width: int, person: SIGN_IN) -> None:
    operator = person("order", viewport={"width": width, "height": 740})
    for page in ("/admin/auth/user/1/change/", "/admin/auth/group/add/"):
        operator.open(page)
        operator.page.locator(".selector").first.wait_for()
        assert operator.fits(), page
