from django.db import migrations

from common import this_service
from common.partitioning import make_partitions


def make_weeks(*_):
    """A ledger that is new takes everything that publishers may announce to it."""
    make_partitions("ledger", this_service.ledger_weeks_kept())


class Migration(migrations.Migration):

    dependencies = [("inbox", "0003_no_waiting")]
    operations = [migrations.RunPython(make_weeks, migrations.RunPython.noop)]
