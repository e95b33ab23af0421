import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from polder.outbox.floor import FLOOR_SQL
from polder.outbox.sequence import SEQUENCE_SQL
from polder.outbox.wake import WAKE_SQL
from polder.database.partitioning import partitioned_table


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

# The relay reads the first index, and nothing of the history; /metrics counts by the second; people search by the others.
INDEXES = """
CREATE INDEX polder_outbox_unpublished ON polder_outbox (position) WHERE published_at IS NULL AND held_at IS NULL;
CREATE INDEX polder_outbox_held ON polder_outbox (held_at) WHERE held_at IS NOT NULL;
CREATE INDEX polder_outbox_published ON polder_outbox USING brin (published_at) WITH (pages_per_range=32, autosummarize=on);
CREATE INDEX polder_outbox_subject ON polder_outbox (subject);
CREATE INDEX polder_outbox_correlation ON polder_outbox (correlation_id);
"""
NEEDED = ("published_at IS NULL AND held_at IS NULL", "published_at IS NULL AND held_at IS NOT NULL")  # each by an index
REVERSE = """
DROP TRIGGER polder_outbox_wake ON polder_outbox;
DROP FUNCTION polder_outbox_wake, polder_outbox_sleep;
DROP SEQUENCE polder_outbox_asleep;
DROP TRIGGER polder_outbox_unpublished_again ON polder_outbox;
DROP FUNCTION polder_outbox_lower_floor, polder_outbox_raise_floor, polder_outbox_check_floor, polder_outbox_floor;
DROP SEQUENCE polder_outbox_floor;
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        partitioned_table("polder_outbox", COLUMNS, indexes=INDEXES, default_partition=True, still_needed=NEEDED),
        migrations.CreateModel(
            name='OutboxEvent',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('position', models.BigIntegerField(help_text="Drawn while the aggregate's row is locked: per aggregate, the order of its versions.")),
                ('type', models.CharField(max_length=100)),
                ('aggregate_type', models.CharField(max_length=100)),
                ('subject', models.CharField(max_length=64)),
                ('version', models.BigIntegerField()),
                ('correlation_id', models.UUIDField()),
                ('body', models.TextField(help_text='The message, exactly as it goes over the wire.')),
                ('created_at', models.DateTimeField()),
                ('published_at', models.DateTimeField(null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0, help_text='How often the broker refused this row for its own sake.')),
                ('retry_at', models.DateTimeField(null=True)),
                ('held_at', models.DateTimeField(help_text='Refused too often: it waits for an operator and does not stop the others.', null=True)),
                ('error', models.TextField(default='')),
            ],
            options={
                'verbose_name': 'outbox event',
                'db_table': 'polder_outbox',
                'ordering': ['-id'],
                'permissions': [('release_outboxevent', 'Can release held events')],
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Subscriber',
            fields=[
                ('name', models.CharField(max_length=30, primary_key=True, serialize=False)),
                ('confirmed_until', models.UUIDField(help_text='All that it knows of us up to this event of ours, we know too, or have fenced.')),
                ('answered_at', models.DateTimeField()),
                ('question', models.UUIDField(help_text='The newest question of ours that it has answered.')),
                ('waiting', models.PositiveIntegerField(default=0, help_text='Events of ours that waited in its queue when it answered.')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='CarriedOut',
            fields=[
                ('correlation_id', models.UUIDField(primary_key=True, serialize=False)),
                ('aggregate', models.CharField(max_length=100)),
                ('key', models.CharField(max_length=64)),
                ('noted_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='Question',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('asked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='CopiesPage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subscriber', models.CharField(max_length=30)),
                ('part', models.PositiveIntegerField()),
                ('parts', models.PositiveIntegerField()),
                ('rows', models.JSONField()),
                ('question', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='polder_outbox.question')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('question', 'subscriber', 'part'), name='copies_page_once')],
            },
        ),
        migrations.CreateModel(
            name='Fenced',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('aggregate', models.CharField(max_length=100)),
                ('key', models.CharField(max_length=64)),
                ('known_version', models.BigIntegerField(help_text='The newest that anybody knows.')),
                ('known_event_id', models.UUIDField(help_text='The event of it, which we have no more.')),
                ('reported_by', models.CharField(help_text='The service that knows it.', max_length=30)),
                ('is_forgotten', models.BooleanField(help_text='We have no such row at all.')),
                ('since', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('lifted_at', models.DateTimeField(null=True)),
                ('lifted_by', models.CharField(default='', help_text='The operator who accepted it; empty when our version has passed it.', max_length=150)),
                ('reason', models.CharField(default='', max_length=500)),
                ('healed_at', models.DateTimeField(help_text='When our row was brought above what others know; the fence goes when all are.', null=True)),
            ],
            options={
                'verbose_name_plural': 'fenced',
                'ordering': ['-id'],
                'permissions': [('accept_fenced', 'Can accept what a service has forgotten')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('lifted_at', None)), fields=('aggregate', 'key'), name='fenced_once')],
            },
        ),
        migrations.CreateModel(
            name='GuardFinding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('aggregate', models.CharField(max_length=100)),
                ('key', models.TextField()),
                ('version', models.BigIntegerField()),
                ('what', models.CharField(choices=[('unraised', 'public columns changed, and the version did not rise'), ('lowered', 'the version went down'), ('unannounced', 'a version without its event'), ('deleted', 'deleted, or its key changed')], max_length=20)),
                ('told', models.CharField(max_length=500)),
                ('role', models.CharField(help_text="The database's role that wrote it.", max_length=63)),
                ('program', models.CharField(help_text='As it calls itself to the database.', max_length=63)),
                ('found_at', models.DateTimeField(db_index=True)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.RunSQL(sql=FLOOR_SQL + WAKE_SQL, reverse_sql=REVERSE),
        migrations.RunSQL(sql=SEQUENCE_SQL, reverse_sql="DROP FUNCTION polder_outbox_advance_sequence"),
    ]
