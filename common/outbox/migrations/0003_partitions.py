from django.db import migrations

from common.partitioning import partition_functions


class Migration(migrations.Migration):
    """Partitions are made though rows of theirs are in the default one, and dropped when all in them is published."""

    dependencies = [("outbox", "0002_held")]
    operations = [partition_functions("outbox", still_needed=("published_at IS NULL AND held_at IS NULL", "published_at IS NULL AND held_at IS NOT NULL"))]
