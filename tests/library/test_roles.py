"""The groups that `access` makes: what each may look at and do in the admin."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client

from polder.api.roles import ROLES, make_roles
from polder.inbox.models import ParkedEvent
from polder.outbox.models import Fenced
from polder.testing.admin_pages import list_address, operation_address
from polder.testing.pasts import we_regressed
from tests.library.test_redrive_command import park


@pytest.fixture(autouse=True)
def there(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(make_roles(reset=False)) == list(ROLES)
    park(monkeypatch, 1)
    we_regressed("inventory")


def somebody(role: str) -> Client:
    user = get_user_model().objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    ("role", "redrives", "accepts", "sees_users"),
    [
        ("viewer", 403, 403, 403),
        ("operator", 200, 403, 403),
        ("admin", 200, 200, 200),
    ],
)
def test_what_each_may(role: str, redrives: int, accepts: int, sees_users: int) -> None:
    client, parked, fenced = somebody(role), ParkedEvent.objects.get(), Fenced.objects.get()

    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/timeline/?key=p0").status_code == 200
    assert client.get("/admin/parked/").status_code == 200
    assert client.get(list_address(ParkedEvent)).status_code == 200
    assert client.get(operation_address(parked, "redrive")).status_code == redrives
    assert client.get("/admin/parked/all/?action=redrive").status_code == redrives
    assert client.get(operation_address(fenced, "accept")).status_code == accepts
    assert client.get("/admin/auth/user/").status_code == sees_users
    assert client.get("/admin/auth/user/add/").status_code == 403


def test_what_people_changed_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    Group.objects.get(name="viewer").permissions.clear()
    for name in ("ADMIN_USER", "ADMIN_PASSWORD", "API_KEY"):
        monkeypatch.setenv(name, "x" * 20)

    call_command("access", stdout=StringIO())
    assert not Group.objects.get(name="viewer").permissions.exists()
    call_command("access", "--reset", stdout=StringIO())
    assert Group.objects.get(name="viewer").permissions.exists()
