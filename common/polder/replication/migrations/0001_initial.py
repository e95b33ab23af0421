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
                ('state', models.CharField(choices=[('filling', 'Filling'), ('paused', 'Paused'), ('complete', 'Complete'), ('cancelled', 'Cancelled')], max_length=10)),
                ('reason', models.CharField(help_text='Why the last resync began.', max_length=200)),
                ('is_rebuilt', models.BooleanField(default=False, help_text='The replica declared something else before: no difference is drift.')),
                ('is_audit', models.BooleanField(default=False, help_text='Rows that are missing or behind for long are drift, too.')),
                ('scans', models.BooleanField(default=True, help_text="Pages of the owner's rows are to come.")),
                ('cursor', models.CharField(default='', help_text='All keys up to this one have been compared.', max_length=64)),
                ('asking', models.JSONField(default=list, help_text='Keys that are to be asked for one by one.')),
                ('rate', models.PositiveIntegerField(help_text='Rows per second, at most.')),
                ('rows_done', models.BigIntegerField(default=0)),
                ('rows_changed', models.BigIntegerField(default=0)),
                ('rows_removed', models.BigIntegerField(default=0)),
                ('rows_disputed', models.BigIntegerField(default=0, help_text='Known better here than by their owner, and left as they are.')),
                ('estimate', models.BigIntegerField(help_text='How many rows the owner has.', null=True)),
                ('request_id', models.UUIDField(help_text='The request under way.', null=True, unique=True)),
                ('asked_at', models.DateTimeField(help_text='When it was first made.', null=True)),
                ('said_at', models.DateTimeField(help_text='When it last went to the owner.', null=True)),
                ('tries', models.PositiveIntegerField(default=0)),
                ('trouble', models.TextField(default='', help_text='Why it does not go on.')),
                ('started_at', models.DateTimeField()),
                ('progressed_at', models.DateTimeField()),
                ('completed_at', models.DateTimeField(null=True)),
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
                ('version', models.BigIntegerField()),
                ('stored_hash', models.CharField(max_length=32)),
                ('event_hash', models.CharField(max_length=32)),
                ('event_id', models.UUIDField()),
                ('found_by', models.CharField(default='event', help_text='An event of this version, a resync or an audit.', max_length=10)),
                ('found_at', models.DateTimeField(auto_now_add=True)),
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
                ('found_at', models.DateTimeField(auto_now_add=True)),
                ('last_seen_at', models.DateTimeField(auto_now_add=True)),
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
