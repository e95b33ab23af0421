"""What of the person's shell reaches which process."""

from __future__ import annotations

from pathlib import Path

from deploy.local.environment import Environment, alarms_of
from deploy.local.passwords import Passwords
from deploy.local.ports import Ports
from deploy.local.services import SERVICES


def test_who_hears_of_alarms_is_known_to_that_service_alone(tmp_path: Path) -> None:
    hook = "https://chat.example/hooks/1"
    shell = {
        "ORDER_ALARM_WEBHOOK": hook,
        "SHIPPING_ALARM_MAIL": "ops@example.org",
        "SHIPPING_EMAIL_HOST": "mail.example.org",
        "INVENTORY_ALARM_WEBHOOK": "",
        "ORDER_DATABASE_URL": "postgres://elsewhere",
        "PGDATA": "/elsewhere",
    }
    passwords = Passwords(tmp_path / "passwords.json")
    common = {"TZ": "UTC", **alarms_of(shell, SERVICES)}

    environment = Environment(Ports.free().addresses(), passwords, SERVICES, common)

    order, shipping = environment.of_service("order"), environment.of_service("shipping")
    assert order["ORDER_ALARM_WEBHOOK"] == hook
    assert order["ORDER_DATABASE_URL"] != shell["ORDER_DATABASE_URL"]
    assert shipping["SHIPPING_ALARM_MAIL"] == "ops@example.org"
    assert shipping["SHIPPING_EMAIL_HOST"] == "mail.example.org"
    assert "SHIPPING_ALARM_MAIL" not in order
    for others in (shipping, environment.of_service("inventory"), environment.of_flower()):
        assert hook not in others.values()
        assert "INVENTORY_ALARM_WEBHOOK" not in others
        assert others["TZ"] == "UTC"
