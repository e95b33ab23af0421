import django.db.models.functions.datetime
from django.db import migrations, models

from polder import this_service
from polder.database.partitioning import make_partitions, partitioned_table


LEDGER = """
    id uuid NOT NULL,
    publisher varchar(30) NOT NULL,
    type varchar(100) NOT NULL,
    subject varchar(64) NOT NULL,
    version bigint NOT NULL,
    outcome varchar(10) NOT NULL CHECK (outcome IN ('applied', 'stale', 'conflict', 'regressed', 'ignored', 'parked')),
    correlation_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    body_crc bigint,
    PRIMARY KEY (id, publisher)
"""
# People look for a subject or a correlation id. A B-tree would cost each insert as much as the
# primary key does; this is a few MB, nearly free to keep, and lets all but some blocks be left out.
INDEXES = """
CREATE INDEX polder_ledger_found ON polder_ledger USING brin (
    subject text_bloom_ops(n_distinct_per_range=2000),
    correlation_id uuid_bloom_ops(n_distinct_per_range=2000)) WITH (pages_per_range=64);
CREATE INDEX polder_ledger_applied ON polder_ledger USING brin (applied_at) WITH (pages_per_range=32, autosummarize=on);
CREATE INDEX polder_ledger_unusual ON polder_ledger (id) WHERE outcome <> 'applied';
"""


def make_weeks(*_):
    """A ledger that is new takes everything that publishers may announce to it."""
    make_partitions("polder_ledger", this_service.ledger_weeks_kept())


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        partitioned_table("polder_ledger", LEDGER, indexes=INDEXES, default_partition=False),
        migrations.RunPython(make_weeks, migrations.RunPython.noop),
        migrations.CreateModel(
            name='LedgerEntry',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('publisher', models.CharField(max_length=30)),
                ('type', models.CharField(max_length=100)),
                ('subject', models.CharField(max_length=64)),
                ('version', models.BigIntegerField()),
                ('outcome', models.CharField(choices=[('applied', 'applied'), ('stale', 'stale: a newer version was known'), ('conflict', 'conflict: same version, other content'), ('regressed', "regressed: its owner's past came back"), ('ignored', 'ignored: no replica keeps it'), ('parked', 'parked')], max_length=10)),
                ('correlation_id', models.UUIDField()),
                ('occurred_at', models.DateTimeField()),
                ('received_at', models.DateTimeField()),
                ('applied_at', models.DateTimeField()),
                ('body_crc', models.BigIntegerField(null=True)),
            ],
            options={
                'verbose_name_plural': 'ledger',
                'db_table': 'polder_ledger',
                'ordering': ['-id'],
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Halt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('signature', models.CharField(max_length=300, unique=True)),
                ('reason', models.TextField()),
                ('since', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('tries', models.PositiveIntegerField(default=1)),
            ],
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('queue', models.CharField(max_length=100)),
                ('body_hash', models.CharField(max_length=64)),
                ('attempts', models.PositiveIntegerField(default=1)),
                ('session', models.CharField(default='', max_length=40)),
                ('last_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('queue', 'body_hash'), name='attempt_once')],
            },
        ),
        migrations.CreateModel(
            name='DeliveryCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('publisher', models.CharField(max_length=30)),
                ('outcome', models.CharField(max_length=30)),
                ('slot', models.PositiveSmallIntegerField()),
                ('count', models.BigIntegerField(default=0)),
                ('last_at', models.DateTimeField(help_text='When one of these was last counted.', null=True)),
            ],
            options={
                'verbose_name_plural': 'accounting',
                'constraints': [models.UniqueConstraint(fields=('publisher', 'outcome', 'slot'), name='deliverycount_slot')],
            },
        ),
        migrations.CreateModel(
            name='BulkOperation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('action', models.CharField(choices=[('redrive', 'redrive'), ('discard', 'discard')], max_length=10)),
                ('chosen', models.JSONField(default=dict, help_text='Queue, type and reason; one left out: any.')),
                ('reason', models.CharField(help_text='Why, as the operator said.', max_length=500)),
                ('operator', models.CharField(max_length=150)),
                ('form', models.UUIDField(editable=False, unique=True)),
                ('state', models.CharField(choices=[('running', 'running'), ('paused', 'paused'), ('done', 'done'), ('cancelled', 'cancelled')], db_index=True, default='running', max_length=10)),
                ('total', models.PositiveIntegerField(help_text='As many as there were when it was asked for.')),
                ('done', models.PositiveIntegerField(default=0)),
                ('outcomes', models.JSONField(default=dict, help_text='How many ended how.')),
                ('cursor', models.BigIntegerField(default=0, help_text='All up to this one have been tried.')),
                ('end', models.BigIntegerField(help_text='What is parked later is none of its.')),
                ('trying_from', models.BigIntegerField(default=0, editable=False)),
                ('trying_to', models.BigIntegerField(default=0, editable=False)),
                ('trying_by', models.CharField(default='', editable=False, max_length=100)),
                ('alone_to', models.BigIntegerField(default=0, editable=False, help_text='Up to this one each is tried alone.')),
                ('stuck', models.JSONField(default=list, editable=False, help_text='Those that need what somebody holds: tried last.')),
                ('busy_seconds', models.FloatField(default=0, help_text='Spent with its batches.')),
                ('trouble', models.TextField(default='', help_text='Why it does not go on.')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('progressed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='ParkedEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('queue', models.CharField(max_length=100)),
                ('body_hash', models.CharField(max_length=64)),
                ('body', models.BinaryField()),
                ('reason', models.CharField(help_text='A stable word to group by.', max_length=40)),
                ('error', models.TextField()),
                ('traceback', models.TextField(default='')),
                ('event_id', models.UUIDField(db_index=True, null=True)),
                ('type', models.CharField(default='', max_length=100)),
                ('subject', models.CharField(db_index=True, default='', max_length=64)),
                ('correlation_id', models.UUIDField(db_index=True, null=True)),
                ('state', models.CharField(choices=[('parked', 'parked'), ('redriven', 'redriven'), ('discarded', 'discarded')], default='parked', max_length=10)),
                ('times_seen', models.PositiveIntegerField(default=1)),
                ('first_seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('last_seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('bulk', models.ForeignKey(db_index=False, help_text='The operation on many that tried it last.', null=True, on_delete=models.deletion.SET_NULL, to='polder_inbox.bulkoperation')),
            ],
            options={
                'ordering': ['-id'],
                'permissions': [('redrive_parkedevent', 'Can redrive parked events'), ('discard_parkedevent', 'Can discard parked events and restore them')],
                'indexes': [models.Index(condition=models.Q(('state', 'parked')), fields=['queue', 'type', 'reason'], name='parked_by_cause'), models.Index(condition=models.Q(('bulk__isnull', False)), fields=['bulk'], name='parked_by_bulk'), models.Index(condition=models.Q(('event_id__isnull', False), ('state', 'parked'), ('traceback', '')), fields=['event_id'], name='parked_unread')],
                'constraints': [models.UniqueConstraint(fields=('queue', 'body_hash'), name='parked_once'), models.CheckConstraint(condition=models.Q(('state__in', ['parked', 'redriven', 'discarded'])), name='parked_state')],
            },
        ),
        migrations.CreateModel(
            name='WaitingEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('queue', models.CharField(max_length=100)),
                ('body_hash', models.CharField(max_length=64)),
                ('publisher', models.CharField(max_length=30)),
                ('type', models.CharField(default='', max_length=100)),
                ('subject', models.CharField(default='', max_length=64)),
                ('event_id', models.UUIDField(null=True)),
                ('fault', models.CharField(max_length=20)),
                ('signature', models.CharField(help_text='What fails alike has the same one.', max_length=300)),
                ('error', models.TextField(default='')),
                ('tries', models.PositiveIntegerField(default=1)),
                ('since', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('parked_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['signature', '-since'], name='waiting_alike'), models.Index(condition=models.Q(('parked_at', None)), fields=['since'], name='waiting_now')],
                'constraints': [models.UniqueConstraint(fields=('queue', 'body_hash'), name='waiting_once')],
            },
        ),
    ]
