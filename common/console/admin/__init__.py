"""The admin of what all services have. Django looks for this module in every installed app."""

from common.console.admin import access, audit, inbox, outbox, replication

__all__ = ["access", "audit", "inbox", "outbox", "replication"]
