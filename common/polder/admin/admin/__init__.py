"""The admin of what all services have. Django looks for this module in every installed app."""

from django.contrib import admin

from polder.admin.admin import access, audit, inbox, outbox, replication

admin.site.index_title = "Overview"

__all__ = ["access", "audit", "inbox", "outbox", "replication"]
