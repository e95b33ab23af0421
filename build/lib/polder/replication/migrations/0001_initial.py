from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
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
