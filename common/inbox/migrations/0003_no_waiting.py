from django.db import migrations

from common.partitioning import partition_functions


class Migration(migrations.Migration):
    """Weeks are made and dropped while everybody writes, and nobody waits for it."""

    dependencies = [("inbox", "0003_discard")]
    operations = [partition_functions("ledger")]
