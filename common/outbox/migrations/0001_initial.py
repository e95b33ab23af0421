from django.db import migrations, models

from common.partitioning import partitioned_table

COLUMNS = """
    id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY (CACHE 1),
    type varchar(100) NOT NULL,
    aggregate_type varchar(100) NOT NULL,
    subject varchar(64) NOT NULL,
    version bigint NOT NULL,
    correlation_id uuid NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    attempts smallint NOT NULL DEFAULT 0,
    retry_at timestamptz,
    held_at timestamptz,
    error text NOT NULL DEFAULT ''
"""

# The relay reads the first index, and nothing of the history; people search by the other two.
INDEXES = """
CREATE INDEX outbox_unpublished ON outbox (position) WHERE published_at IS NULL AND held_at IS NULL;
CREATE INDEX outbox_subject ON outbox (subject);
CREATE INDEX outbox_correlation ON outbox (correlation_id);
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        partitioned_table("outbox", COLUMNS, indexes=INDEXES, default_partition=True),
        migrations.CreateModel(
            name="OutboxEvent",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("position", models.BigIntegerField(help_text="Drawn while the aggregate's row is locked: per aggregate, the order of its versions.")),
                ("type", models.CharField(max_length=100)),
                ("aggregate_type", models.CharField(max_length=100)),
                ("subject", models.CharField(max_length=64)),
                ("version", models.BigIntegerField()),
                ("correlation_id", models.UUIDField()),
                ("body", models.TextField(help_text="The message, exactly as it goes over the wire.")),
                ("created_at", models.DateTimeField()),
                ("published_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0, help_text="How often the broker refused this row for its own sake.")),
                ("retry_at", models.DateTimeField(null=True)),
                ("held_at", models.DateTimeField(help_text="Refused too often: it waits for an operator and does not stop the others.", null=True)),
                ("error", models.TextField(default="")),
            ],
            options={"verbose_name": "outbox event", "db_table": "outbox", "ordering": ["-id"], "managed": False},
        ),
    ]
