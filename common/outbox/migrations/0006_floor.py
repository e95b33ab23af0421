from django.db import migrations

from common.outbox.floor import FLOOR_SQL

REVERSE = """
DROP TRIGGER outbox_unpublished_again ON outbox;
DROP FUNCTION outbox_lower_floor, outbox_raise_floor, outbox_check_floor, outbox_floor;
DROP SEQUENCE outbox_floor;
"""


class Migration(migrations.Migration):
    """Where the relay begins to look, so that what was published long ago costs it nothing."""

    dependencies = [("outbox", "0005_no_waiting")]
    operations = [migrations.RunSQL(sql=FLOOR_SQL, reverse_sql=REVERSE)]
