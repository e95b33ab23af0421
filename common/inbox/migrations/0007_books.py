from django.db import migrations, models, transaction

WEEKS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'ledger'::regclass ORDER BY 1"
UNUSABLE = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = %s::regclass AND NOT indisvalid"


def key_by_publisher(apps, schema_editor):
    """The key becomes id and publisher. Each week's index is built beside the traffic; what locks the table reads no row of it.

    May be broken off at any time, and run again.
    """
    with schema_editor.connection.cursor() as cursor:
        for week in _weeks(cursor):
            cursor.execute(UNUSABLE, [week])  # left by one that was broken off
            for (index,) in cursor.fetchall():
                cursor.execute(f"DROP INDEX {index}")
            cursor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {week}_key ON {week} (id, publisher)")
        with transaction.atomic():
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('ledger_make_partitions'))")
            cursor.execute("ALTER TABLE ledger DROP CONSTRAINT ledger_pkey")
            for week in _weeks(cursor):
                cursor.execute(f"CREATE UNIQUE INDEX IF NOT EXISTS {week}_key ON {week} (id, publisher)")  # made meanwhile
                cursor.execute(f"ALTER TABLE {week} ADD CONSTRAINT {week}_pkey PRIMARY KEY USING INDEX {week}_key")
            cursor.execute("ALTER TABLE ledger ADD CONSTRAINT ledger_pkey PRIMARY KEY (id, publisher)")


def _weeks(cursor):
    cursor.execute(WEEKS)
    return [week for (week,) in cursor.fetchall()]


class Migration(migrations.Migration):
    """An event is known by its publisher and its id; redrives are counted apart; bytes that differ are noticed."""

    atomic = False
    dependencies = [("inbox", "0006_waiting")]
    operations = [
        migrations.AlterField("tally", "outcome", models.CharField(max_length=30)),
        migrations.RunSQL(
            "ALTER TABLE ledger ADD COLUMN IF NOT EXISTS body_crc bigint",
            "ALTER TABLE ledger DROP COLUMN body_crc",
            state_operations=[migrations.AddField("ledgerentry", "body_crc", models.BigIntegerField(null=True))],
        ),
        migrations.AddIndex(
            "parkedevent",
            models.Index(fields=["event_id"], name="parked_unread", condition=models.Q(state="parked", traceback="", event_id__isnull=False)),
        ),
        migrations.RunPython(key_by_publisher, migrations.RunPython.noop),
    ]
