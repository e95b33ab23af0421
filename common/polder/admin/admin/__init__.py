"""The admin of what all services have. Django looks for this module in every installed app."""

from django.apps import apps
from django.contrib import admin

from polder.admin.admin import access, audit, bulk, inbox, outbox, replication

if apps.is_installed("polder.effects"):
    from polder.admin.admin import effects  # noqa: F401

if apps.is_installed("polder.api"):
    from polder.admin.admin import keys  # noqa: F401

admin.site.index_title = "Overview"

__all__ = ["access", "audit", "bulk", "inbox", "outbox", "replication"]
