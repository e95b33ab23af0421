from django.db import migrations

from common.partitioning import partition_functions

NEEDED = ("published_at IS NULL AND held_at IS NULL", "published_at IS NULL AND held_at IS NOT NULL")  # each by an index


class Migration(migrations.Migration):
    """Weeks are made and dropped while everybody writes, and nobody waits for it."""

    dependencies = [("outbox", "0004_permissions")]
    operations = [partition_functions("outbox", still_needed=NEEDED)]
