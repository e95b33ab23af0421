"""Who is signed in to the admin, until when, and who may make people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from polder.admin.retention import forget_expired_sessions
from polder.testing.admin_pages import detail_address, list_address, staff_client, superuser_client


def signed_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda user: user.set_password("another one, and a long one"),
        lambda user: setattr(user, "is_active", False),
        lambda user: setattr(user, "is_staff", False),
    ],
    ids=["a changed password", "deactivated", "no longer of the staff"],
)
def test_a_session_ends_with(db: None, change: Callable[[User], None]) -> None:
    client = staff_client()
    assert signed_in(client)

    user = User.objects.get(username="staff")
    change(user)
    user.save()

    assert not signed_in(client)
    assert client.get("/api/orders/").status_code in (401, 403)


def test_a_session_ends_with_its_user(db: None) -> None:
    client = staff_client()
    User.objects.get(username="staff").delete()

    assert not signed_in(client)


def test_an_administrator_ends_the_sessions_of_others(db: None) -> None:
    client, user = staff_client(), User.objects.get(username="staff")

    page = f"{list_address(User)}{user.pk}/password/"
    changed = superuser_client().post(
        page,
        {
            "password1": "long enough, I say",
            "password2": "long enough, I say",
            "usable_password": "true",
        },
    )

    assert changed.status_code == 302
    assert not signed_in(client)


def test_expired_sessions_go(db: None) -> None:
    client, other = staff_client(), superuser_client()
    Session.objects.filter(pk=client.session.session_key).update(
        expire_date=timezone.now() - timedelta(seconds=1)
    )

    assert forget_expired_sessions() == 1
    assert (signed_in(client), signed_in(other)) == (False, True)


def test_nobody_makes_himself_a_superuser(db: None) -> None:
    """Not by his own row, nor by another one's, nor by a group, though he has Django's permissions
    for all of them."""
    everything = [
        f"auth.{verb}_{model}"
        for verb in ("add", "change", "delete", "view")
        for model in ("user", "group")
    ]
    client, user, root = (
        staff_client(*everything),
        User.objects.get(username="staff"),
        User.objects.create_superuser("root"),
    )
    mine = Group.objects.create(name="mine")
    user.groups.add(mine)
    powers = {"is_superuser": "on", "is_staff": "on", "is_active": "on", "groups": [mine.pk]}
    all_permissions = [*Permission.objects.values_list("pk", flat=True)]

    for address, form in (
        (detail_address(user), {"username": "staff", **powers}),
        (
            f"{list_address(User)}{root.pk}/password/",
            {"password1": "long enough, I say", "password2": "long enough, I say"},
        ),
        (
            f"{list_address(User)}add/",
            {
                "username": "me2",
                "password1": "long enough, I say",
                "password2": "long enough, I say",
            },
        ),
        (detail_address(mine), {"name": "mine", "permissions": all_permissions}),
        (f"{list_address(Group)}add/", {"name": "yours", "permissions": all_permissions}),
        (f"{list_address(User)}{root.pk}/delete/", {"post": "yes"}),
    ):
        assert client.post(address, form).status_code == 403, address

    assert client.get(detail_address(user)).status_code == 200
    assert [*User.objects.filter(is_superuser=True)] == [root]
    assert not mine.permissions.exists()
