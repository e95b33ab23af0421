import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='ReplicaState',
            fields=[
                ('aggregate', models.CharField(max_length=100, primary_key=True, serialize=False)),
                ('declared', models.JSONField(default=dict, help_text='The fields that the replica takes, each with where it comes from.')),
                ('state', models.CharField(choices=[('filling', 'Filling'), ('auditing', 'Auditing'), ('paused', 'Paused'), ('complete', 'Complete'), ('cancelled', 'Cancelled')], max_length=10)),
                ('reason', models.CharField(help_text='Why the last resync or audit began.', max_length=200)),
                ('is_rebuilt', models.BooleanField(default=False, help_text='The replica declared something else before: no difference is drift.')),
                ('is_audit', models.BooleanField(default=False, help_text='What is missing or behind is drift, unless it is on its way.')),
                ('is_dry', models.BooleanField(default=False, help_text='What differs is only recorded.')),
                ('compared_by', models.CharField(choices=[('rows', 'row by row'), ('quick', 'digests of keys and versions'), ('deep', 'digests of the content')], default='rows', help_text='What is scanned.', max_length=5)),
                ('since', models.DateTimeField(help_text='Only rows that the owner changed since.', null=True)),
                ('scans', models.BooleanField(default=True, help_text="More of the owner's rows are to come.")),
                ('is_partial', models.BooleanField(default=False, help_text='Only some rows are compared.')),
                ('cursor', models.CharField(default='', help_text='All keys up to this one have been compared.', max_length=64)),
                ('ranges', models.JSONField(default=list, help_text='Ranges of keys that differ, after the first, up to the second.')),
                ('asking', models.JSONField(default=list, help_text='Keys that are to be asked for one by one.')),
                ('doubtful', models.JSONField(default=dict, help_text="Keys with versions of the owner's whose events may still be under way.")),
                ('listed', models.UUIDField(help_text='The moment when the owner last listed keys, or the audit began.', null=True)),
                ('emptied_at', models.DateTimeField(help_text="When, after that, no event of the owner's waited here.", null=True)),
                ('proven', models.UUIDField(help_text='What the owner published before this moment has been handled here.', null=True)),
                ('rate', models.PositiveIntegerField(help_text='Rows per second, at most.')),
                ('rows_done', models.BigIntegerField(default=0)),
                ('rows_changed', models.BigIntegerField(default=0)),
                ('rows_removed', models.BigIntegerField(default=0)),
                ('rows_disputed', models.BigIntegerField(default=0, help_text='Known better here than by their owner, and left as they are.')),
                ('rows_drifted', models.BigIntegerField(default=0, help_text='Recorded as drift.')),
                ('rows_undecided', models.BigIntegerField(default=0, help_text='Behind their owner, and their events may still be under way.')),
                ('drift_found', models.BigIntegerField(default=0, help_text='By all resyncs and audits so far.')),
                ('estimate', models.BigIntegerField(help_text='How many rows the owner has.', null=True)),
                ('request_id', models.UUIDField(help_text='The request under way.', null=True, unique=True)),
                ('asked_at', models.DateTimeField(help_text='When it was first made.', null=True)),
                ('said_at', models.DateTimeField(help_text='When it last went to the owner.', null=True)),
                ('tries', models.PositiveIntegerField(default=0)),
                ('trouble', models.TextField(default='', help_text='Why it does not go on.')),
                ('started_at', models.DateTimeField()),
                ('progressed_at', models.DateTimeField()),
                ('completed_at', models.DateTimeField(help_text='Since when it is complete.', null=True)),
                ('audited_at', models.DateTimeField(help_text='When it was last compared.', null=True)),
                ('deeply_audited_at', models.DateTimeField(help_text='With its content.', null=True)),
            ],
            options={
                'verbose_name': 'replica',
                'ordering': ['aggregate'],
                'permissions': [('resync_replica', 'Can resync replicas')],
            },
        ),
        migrations.CreateModel(
            name='Drift',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('aggregate', models.CharField(max_length=100)),
                ('key', models.CharField(max_length=64)),
                ('kind', models.CharField(choices=[('missing', 'missing here'), ('behind', 'behind its owner'), ('extra', 'unknown to its owner'), ('above', "above its owner's version"), ('edited-here', 'edited here'), ('edited-there', 'edited there without a version')], default='edited-there', max_length=12)),
                ('version', models.BigIntegerField(help_text='Of our row; 0 where there was none.')),
                ('stored_hash', models.CharField(max_length=32)),
                ('event_hash', models.CharField(max_length=32)),
                ('event_id', models.UUIDField(help_text='The event, or the moment at which the owner said it.')),
                ('before', models.JSONField(help_text='What we had of the fields that are kept here.', null=True)),
                ('after', models.JSONField(help_text='What the owner said of them.', null=True)),
                ('found_by', models.CharField(choices=[('event', 'an event of the same version'), ('resync', 'a resync'), ('audit', 'a quick audit'), ('deep audit', 'a deep audit')], default='event', max_length=10)),
                ('found_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='When it was last found.')),
                ('repaired_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name_plural': 'drift',
                'ordering': ['-id'],
                'permissions': [('close_drift', 'Can close records of drift')],
                'indexes': [models.Index(condition=models.Q(('repaired_at', None)), fields=['aggregate', 'key'], name='drift_open')],
            },
        ),
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('publisher', models.CharField(max_length=30)),
                ('worker', models.CharField(max_length=255)),
                ('until', models.DateTimeField(help_text="By the publisher's clock.")),
                ('heard_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('publisher', 'worker'), name='heartbeat_once')],
            },
        ),
        migrations.CreateModel(
            name='OutsideVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('aggregate', models.CharField(max_length=100)),
                ('key', models.CharField(max_length=64)),
                ('version', models.BigIntegerField()),
                ('since', models.DateTimeField(db_index=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('aggregate', 'key'), name='outside_once')],
            },
        ),
        migrations.CreateModel(
            name='Regression',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('aggregate', models.CharField(max_length=100)),
                ('key', models.CharField(max_length=64)),
                ('known_version', models.BigIntegerField(help_text="What this service's replica is at.")),
                ('known_event_id', models.UUIDField(help_text='The event that made it so.')),
                ('sent_version', models.BigIntegerField(help_text='What its owner sent later.')),
                ('sent_event_id', models.UUIDField()),
                ('times_seen', models.PositiveIntegerField(default=1)),
                ('found_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('last_seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('closed_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name_plural': 'regressed',
                'ordering': ['-id'],
                'permissions': [('close_regression', 'Can close records of regressed aggregates')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('closed_at', None)), fields=('aggregate', 'key'), name='regressed_once')],
            },
        ),
    ]
