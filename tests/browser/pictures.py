"""The pictures of the docs: each screen of a shop in which something went wrong, as a browser shows
it. `make pictures` makes them anew."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from deploy.local.stack import ROOT
from tests.browser.person import Person, browser
from tests.browser.test_operators import bug, offer, parked
from tests.load import Load
from tests.standing import Standing, standing_shop
from tests.temporary import temporary_folder

PICTURES = ROOT / "docs" / "images"
MINUTES = 6.0  # of trade, for the charts
AWAY = 30.0  # seconds
QUALITY = 80  # of WebP
SIZE = {"width": 1400, "height": 900}


def main() -> None:
    with (
        browser() as chromium,
        temporary_folder("pictures") as folder,
        standing_shop(folder, watched=False, strict=False) as standing,
        bug(standing.stack),
    ):
        order_id = _live(standing)
        for name, person in _look(standing, chromium, order_id):
            _save(person.page, PICTURES / f"{name}.webp")
            print(f"docs/images/{name}.webp", flush=True)


def _live(standing: Standing) -> str:
    """Trade, a worker that is away for a while, events that one service cannot apply, rows that
    went missing, and an order that was cancelled, whose id it gives."""
    shop, stack = standing.shop, standing.stack
    load = Load(shop, customers=2, pause=0.4, merchant=True)
    with load.flowing():
        time.sleep(MINUTES * 60 / 2)
        stack.stop_process("inventory-worker")
        time.sleep(AWAY)
        stack.start_process("inventory-worker")
        time.sleep(MINUTES * 60 / 2)
        offer(shop, "brick-1", "brick-2", "brick-3")
        parked(shop, 3)
    order_id = shop.place_ready(p1=1, p2=2)
    shop.cancel(order_id)
    shop.wait_for("order", order_id, "cancelled", seconds=120)
    with shop.database("order") as database:
        database.execute("DELETE FROM replica_stock WHERE key = 'p3'")
    with suppress(CalledProcessError):  # something differs
        stack.manage("order", "audit", "inventory.stock")
    return order_id


def _look(standing: Standing, chromium: Any, order_id: str) -> Iterator[tuple[str, Person]]:
    person = Person(chromium, standing.shop, viewport=SIZE)
    person.sign_in("order")
    for name, path in {
        "overview": "/admin/",
        "order": f"/admin/order/order/{order_id}/change/",
        "timeline": f"/admin/timeline/?key={order_id}",
        "parked": "/admin/parked/",
        "runbooks": "/admin/runbooks/#parked-events",
        "ledger": "/admin/polder_inbox/ledgerentry/",
        "drift": "/admin/polder_replication/drift/",
        "effects": "/admin/polder_effects/intent/",
        "catalogue": "/events/",
    }.items():
        person.open(path)
        yield name, person
    person.open("/admin/parked/")
    person.follow("3")
    person.page.locator("#result_list tbody a").first.click()
    yield "parked-event", person
    flower = Person(chromium, standing.shop, viewport=SIZE, http_credentials=_of_flower(standing))
    flower.page.goto(standing.shop.variables["FLOWER_URL"] + "/tasks")
    yield "flower", flower
    person.open("/ops/board/")
    person.press("Place 100 orders")
    person.page.locator(".polder-arrow").first.wait_for(state="attached")
    time.sleep(0.7)
    yield "board", person


def _of_flower(standing: Standing) -> dict[str, str]:
    variables = standing.shop.variables
    return {"username": variables["ADMIN_USER"], "password": variables["FLOWER_PASSWORD"]}


def _save(page: Any, path: Path) -> None:
    """As WebP, which Chromium makes of what is seen and playwright does not offer."""
    devtools = page.context.new_cdp_session(page)
    shot = devtools.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    path.write_bytes(base64.b64decode(shot["data"]))


if __name__ == "__main__":
    main()
