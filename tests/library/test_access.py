"""A start makes sure that there is a way in, and never undoes what people have decided since."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from polder.api.keys import digest
from polder.api.models import ApiKey, Scope


@pytest.fixture
def first_start(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("ADMIN_USER", "admin"),
        ("ADMIN_PASSWORD", "first word"),
        ("API_KEY", "pk"),
    ):
        monkeypatch.setenv(name, value)
    call_command("access")


def test_the_first_start_makes_both(first_start: None) -> None:
    user = get_user_model().objects.get(username="admin")
    assert user.check_password("first word")
    assert (user.is_staff, user.is_superuser) == (True, True)
    assert ApiKey.objects.get(name="first", digest=digest("pk"), revoked_at=None).scopes == list(
        Scope.values
    )


def test_a_later_start_undoes_nothing(first_start: None) -> None:
    # Given what people have decided
    user = get_user_model().objects.get(username="admin")
    user.set_password("their own")
    user.is_superuser, user.is_active, user.email = False, False, "ada@example.org"
    user.save()
    revoked = timezone.now()
    ApiKey.objects.filter(name="first").update(revoked_at=revoked, scopes=["read"])

    # When
    call_command("access")

    # Then
    user.refresh_from_db()
    assert user.check_password("their own")
    assert (user.is_superuser, user.is_active, user.email) == (False, False, "ada@example.org")
    assert list(ApiKey.objects.filter(name="first").values_list("revoked_at", "scopes")) == [
        (revoked, ["read"])
    ]


def test_unless_it_is_told_to(first_start: None) -> None:
    user = get_user_model().objects.get(username="admin")
    user.set_password("their own")
    user.is_superuser = False
    user.save()
    ApiKey.objects.filter(name="first").update(revoked_at=timezone.now())

    call_command("access", "--reset")

    user.refresh_from_db()
    assert (user.check_password("first word"), user.is_superuser) == (True, True)
    assert ApiKey.objects.filter(name="first", revoked_at=None).exists()


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("API_KEY", "", "is not set"),
        ("API_KEY", " ", "is not set"),
        ("API_KEY", "a  b", "holds a blank"),
        ("API_KEY", "schl\u00fcssel", "holds a blank or a character outside"),
        ("ADMIN_PASSWORD", "", "is not set"),
        ("ADMIN_PASSWORD", " word", "begins or ends with a blank"),
        ("ADMIN_USER", "", "is not set"),
    ],
)
def test_a_way_in_that_is_none_or_everybodys(
    first_start: None, monkeypatch: pytest.MonkeyPatch, name: str, value: str, why: str
) -> None:
    """An empty API key, say, would let in who sends `Authorization: Api-Key`."""
    monkeypatch.setenv(name, value)

    with pytest.raises(CommandError, match=f"^{name} {why}"):
        call_command("access", "--reset")

    assert not ApiKey.objects.exclude(digest=digest("pk")).exists()
