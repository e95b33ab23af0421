from django.db import migrations

from common.partitioning import partition_functions


class Migration(migrations.Migration):
    """Partitions can be dropped."""

    dependencies = [("inbox", "0001_initial")]
    operations = [partition_functions("ledger")]
