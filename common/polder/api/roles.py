"""Ready groups for people: who may look, who may act, and who may act on what cannot be undone."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

# whose rows only superusers change, and what belongs to the framework
ACCESS = ("auth", "polder_api", "admin", "contenttypes", "sessions")
GRAVE = ("revoke_apikey", "accept_fenced")  # a key is gone for good, what was forgotten as well
ROLES = ("viewer", "operator", "admin")


def make_roles(*, reset: bool) -> Iterator[str]:
    """The names of those that were made. One that is there stays as people have changed it, unless
    it is to be reset."""
    for name in ROLES:
        group, is_new = Group.objects.get_or_create(name=name)
        if is_new or reset:
            group.permissions.set(permissions_of(name))
            yield name


def permissions_of(role: str) -> QuerySet[Permission]:
    """`viewer` looks at everything but users and keys; `operator` also does what the admin offers;
    `admin` also what cannot be undone, and sees who has access."""
    looks = Q(codename__startswith="view_")
    if role != "admin":
        looks &= ~Q(content_type__app_label__in=ACCESS)
    changes = Q(codename__regex="^(add|change|delete|view)_")
    acts = ~changes if role == "admin" else ~changes & ~Q(codename__in=GRAVE)
    return Permission.objects.filter(looks if role == "viewer" else looks | acts)
