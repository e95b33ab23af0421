"""Somebody hears of what goes wrong within a minute, by name, and of its end: Prometheus and
Alertmanager of Debian's packages, with the rules and settings of the containers."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
import yaml
from uuid_utils.compat import uuid7

from deploy.local.ports import HOST, Ports
from deploy.local.run_directory import lines_of
from deploy.local.stack import ROOT
from polder.contracts import clock
from tests.blackbox.operator import EFFECTS, PARKED, Operator
from tests.blackbox.shop import Shop, until
from tests.blackbox.wire import send
from tests.disturbed import DisturbedStack
from tests.healing.webhook import Webhook
from tests.temporary import temporary_folder

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not (shutil.which("prometheus") and shutil.which("prometheus-alertmanager")),
        reason="Debian's prometheus and prometheus-alertmanager are not installed",
    ),
]
WITHIN = 60  # seconds
PROMETHEUS = ROOT / "deploy/prometheus"
DASHBOARD = ROOT / "deploy/grafana/dashboards/polder.json"


@pytest.fixture(scope="module")
def webhook() -> Iterator[Webhook]:
    with Webhook().listening() as webhook:
        yield webhook


@pytest.fixture(scope="module")
def monitoring(shop: Shop, webhook: Webhook) -> Iterator[str]:
    """Where Prometheus is, once it has seen the shop for a while, and nobody has heard of
    anything."""
    ports = Ports.free()
    with temporary_folder("monitoring") as folder:
        (folder / "stack.env").write_text(lines_of(shop.variables))
        told = yaml.safe_load((PROMETHEUS / "alertmanager.yml").read_text())
        told["receivers"][0]["webhook_configs"] = [{"url": webhook.url}]
        people = folder / "people.yml"
        people.write_text(yaml.safe_dump(told))
        where = {"PROMETHEUS_PORT": ports["epmd"], "ALERTMANAGER_PORT": ports["flower"]}
        variables = {name: str(value) for name, value in where.items()}
        started = subprocess.Popen(
            ["sh", str(ROOT / "deploy/local/observe.sh"), str(folder)],
            env=os.environ | variables | {"ALERTMANAGER_CONFIG": str(people)},
        )
        monitoring = f"{HOST}:{ports['epmd']}"
        try:
            until(lambda: _asked(monitoring, "min(count_over_time(up[1h])) >= 4"), "it has looked")
            yield monitoring
        finally:
            started.terminate()
            started.wait(30)


def test_every_expression_gives_something(monitoring: str, shop: Shop) -> None:
    shop.place_ready(p3=1)
    rules = yaml.safe_load((PROMETHEUS / "polder.yml").read_text())["groups"][0]["rules"]
    panels = json.loads(DASHBOARD.read_text())["panels"]

    for panel in panels:
        expression = panel["targets"][0]["expr"]
        until(partial(_asked, monitoring, expression), expression)
    # of an alarm that is off there is nothing, but of what it looks at
    for name in {one for rule in rules for one in _metrics(rule["expr"])}:
        assert _asked(monitoring, f"count({name})"), name


def test_each_is_heard_within_a_minute_and_ends(
    monitoring: str, webhook: Webhook, shop: Shop, stack: DisturbedStack
) -> None:
    _skip_mails_to_nobody(shop)
    webhook.until_nothing_is_wrong()
    until(lambda: _is_long_ago(shop, "p5"), "what is of now is clearly younger", 300)
    took: dict[str, float] = {}

    def heard(name: str, cause: Callable[[], object]) -> None:
        causes.append((name, time.monotonic()))
        cause()

    # When a worker stops, a message cannot be read, a replica contradicts, an owner went back
    causes: list[tuple[str, float]] = []
    heard("PolderParked", lambda: _send(shop, b"{}"))
    heard("PolderDrift", lambda: _send(shop, _contradicting(shop, "p4")))
    heard("PolderRegressed", lambda: _send(shop, _gone_back(shop, "p5")))
    until(lambda: shop.rows("shipping", "SELECT FROM polder_replication_regression"), "it is seen")
    heard("PolderBehind", lambda: stack.stop_process("shipping-worker"))
    # Then each is heard
    _note(took, webhook, causes)
    # And when each is repaired, it ends
    stack.start_process("shipping-worker")
    for service in ("order", "shipping"):
        parked = [key for (key,) in shop.rows(service, _PARKED)]
        Operator.of(shop, service).operate(PARKED, "discard", parked, "a test")
        stack.manage(service, "resync", "inventory.product", "--all")
    _accept_what_was_claimed(stack)
    for product in ("p4", "p5"):  # what is said above that version ends what was known of it
        [(version,)] = shop.rows("inventory", _VERSION, product)
        path = f"/api/products/{product}/"
        assert shop.patch("inventory", path, {"name": "Other"}, version)[0] == 200
    webhook.until_nothing_is_wrong()

    # When the broker blocks, for want of memory and of disk
    for name, off, on in _BLOCKS:
        causes.clear()
        heard(name, partial(stack.rabbitmqctl, *off))
        order_id = shop.place(p3=1)  # and orders are accepted all the same
        _note(took, webhook, causes)
        stack.rabbitmqctl(*on)
        shop.wait_for("order", order_id, "confirmed", 120)
        webhook.until_nothing_is_wrong()

    print({name: round(seconds) for name, seconds in took.items()})
    assert max(took.values()) < WITHIN, took


_FAILED = "SELECT id FROM polder_effects_intent WHERE state = 'failed'"
_PARKED = "SELECT id FROM polder_inbox_parkedevent WHERE state = 'parked'"
_VERSION = "SELECT version FROM inventory_product WHERE product_id = %s"
_BODY = """
SELECT body FROM polder_outbox WHERE subject = %s AND aggregate_type = 'product'
ORDER BY version DESC LIMIT 1
"""
_BLOCKS = (
    (
        "PolderBrokerMemory",
        ("set_vm_memory_high_watermark", "0.0001"),
        ("set_vm_memory_high_watermark", "0.4"),
    ),
    ("PolderBrokerDisk", ("set_disk_free_limit", "9000GB"), ("set_disk_free_limit", "200MB")),
)


def _note(took: dict[str, float], webhook: Webhook, causes: list[tuple[str, float]]) -> None:
    for name, since in causes:
        until(partial(_is_heard, webhook, name, since), name, 180)
        took[name] = webhook.heard(name, since) or 0.0


def _skip_mails_to_nobody(shop: Shop) -> None:
    """Of orders that a restore has brought back, without the customer whom nobody keeps."""
    failed = [key for (key,) in shop.rows("order", _FAILED)]
    if failed:
        Operator.of(shop, "order").operate(EFFECTS, "skip", failed, "nobody keeps the customer")


def _accept_what_was_claimed(stack: DisturbedStack) -> None:
    """Asked before its repair, a subscriber claims the forged event about p4, and the owner fences
    p4 as of a past that it may have lost; that ends by an operator's word."""
    told = ("--by", "a test", "--reason", "forged")
    stack.manage("inventory", "regressed", "--accept", "--all", *told)


def _is_heard(webhook: Webhook, name: str, since: float) -> bool:
    return webhook.heard(name, since) is not None


def _send(shop: Shop, body: bytes) -> None:
    send(shop.variables["AMQP_URL"], "inventory.events", [body])


def _contradicting(shop: Shop, product: str) -> bytes:
    """Another event of the same moment and version."""
    event = _event(shop, product)
    made = UUID(event["id"]).int >> 64 << 64
    return _body(event, id=str(UUID(int=made | (uuid4().int & (2**64 - 1)) | 1 << 63)))


def _gone_back(shop: Shop, product: str) -> bytes:
    """An event of now, of a version that was there long ago."""
    return _body(_event(shop, product), id=str(uuid7()))


def _is_long_ago(shop: Shop, product: str) -> bool:
    made = UUID(_event(shop, product)["id"])
    return (uuid7().int >> 80) - (made.int >> 80) > 1000 * clock.APART


def _event(shop: Shop, product: str) -> dict[str, Any]:
    [(body,)] = shop.rows("inventory", _BODY, product)
    event: dict[str, Any] = json.loads(body)
    return event


def _body(event: dict[str, Any], **changed: Any) -> bytes:
    data = {**event["data"], "name": "Something else"}
    return json.dumps({**event, **changed, "data": data}).encode()


def _metrics(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:polder|rabbitmq)_[a-z_]+", expression))


def _asked(monitoring: str, expression: str) -> list[Any]:
    query = urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen(f"http://{monitoring}/api/v1/query?{query}") as got:
            found: list[Any] = json.load(got)["data"]["result"]
    except OSError:
        return []
    return found
