"""Whose a broker user is. RabbitMQ does not record who made one, so it is known by its rights: ours
have those that topology gives."""

from __future__ import annotations

import re
from typing import Any

from polder.broker.declared import Rights
from polder.broker.management_api import ManagementApi, ManagementError


class NotOurs(ManagementError):
    """Topology did not make this user, and changes nothing about it."""


def require_ours(api: ManagementApi, user: str, granted: Rights, tags: str = "") -> None:
    """Returns when there is no such user yet, or it is one of this kind. Raises NotOurs,
    ManagementError."""
    found = api.get("users", user)
    if found is None:
        return
    more = tags_of(found) - {tags}
    if more or user == api.user:
        kind = f"has the tags {', '.join(sorted(more))}" if more else "is the one that declares"
        raise NotOurs(
            f"the user {user} {kind}: topology did not make it and would take its rights away; "
            "give each service a user of its own"
        )
    for one in api.call("GET", "users", user, "permissions"):
        if not any(_alike(one[name], pattern) for name, pattern in granted._asdict().items()):
            raise NotOurs(
                f"the user {user} {_of(one)} in the vhost {one['vhost']}: topology did not make "
                "it; give each service a user of its own, or delete this one if nobody needs it"
            )


def sees_already(api: ManagementApi, user: str) -> bool:
    """Whether somebody made this user, and it may look at everything. Raises NotOurs for an
    administrator, who may do too much."""
    found = api.get("users", user)
    if found is None:
        return False
    if "administrator" in tags_of(found):
        raise NotOurs(
            f"the user {user} of the service's own management URL is an administrator; it is to "
            "look and to change nothing"
        )
    return "monitoring" in tags_of(found) and any(
        one["vhost"] == api.vhost and one["configure"] != "^$"
        for one in api.call("GET", "users", user, "permissions")
    )


def tags_of(user: dict[str, Any]) -> set[str]:
    tags = user["tags"]
    return set(tags if isinstance(tags, list) else str(tags).split(",")) - {""}


def _alike(pattern: str, ours: str) -> bool:
    """Also as an earlier version gave it: about the same service, and nothing else."""
    beginning = re.match(r"\^\(?[a-z]+\\\.", ours)
    return pattern == ours or bool(beginning and pattern.startswith(beginning[0]))


def _of(permission: dict[str, str]) -> str:
    service = re.match(r"\^([a-z]+)\\\.celery", permission["configure"])
    return f"is the {service[1]} service's" if service else "has other rights"
