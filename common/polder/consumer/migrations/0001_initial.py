import django.db.models.functions.datetime
from django.db import migrations, models

from polder.consumer.jobs import expect


def expect_jobs(*_):
    expect()


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='JobRun',
            fields=[
                ('name', models.CharField(max_length=100, primary_key=True, serialize=False)),
                ('every', models.PositiveIntegerField(help_text='Seconds between two runs, as the code wants it.')),
                ('expected_since', models.DateTimeField(help_text='When this service first knew of the job.')),
                ('started_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(help_text='Empty while it runs, or when its process was lost.', null=True)),
                ('succeeded_at', models.DateTimeField(help_text='When it last ended without an error.', null=True)),
                ('steady_since', models.DateTimeField(help_text='Since when it has run without a gap and without a step of the clock.', null=True)),
                ('error', models.TextField(default='', help_text='Of the last run that ended; empty when it succeeded.')),
            ],
            options={
                'db_table': 'polder_job_run',
                'ordering': ['name'],
            },
        ),
        # So that a job which has never run at all is noticed, too.
        migrations.RunPython(expect_jobs, migrations.RunPython.noop),
        migrations.CreateModel(
            name='Sample',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_index=True)),
                ('name', models.CharField(max_length=30)),
                ('of', models.CharField(help_text='A publisher or a queue; empty: the service.', max_length=100)),
                ('value', models.FloatField()),
            ],
            options={
                'db_table': 'polder_sample',
            },
        ),
        migrations.CreateModel(
            name='Histogram',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=10)),
                ('of', models.CharField(help_text='A publisher; empty: the service itself.', max_length=30)),
                ('bucket', models.PositiveSmallIntegerField(help_text='Its place among the bounds.')),
                ('count', models.BigIntegerField()),
                ('total', models.FloatField(help_text='The sum of what was observed.')),
            ],
            options={
                'db_table': 'polder_histogram',
                'ordering': ['name', 'of', 'bucket'],
                'constraints': [models.UniqueConstraint(fields=('name', 'of', 'bucket'), name='histogram_bucket')],
            },
        ),
        migrations.CreateModel(
            name='CountedUntil',
            fields=[
                ('name', models.CharField(max_length=30, primary_key=True, serialize=False)),
                ('until', models.DateTimeField()),
            ],
            options={
                'db_table': 'polder_counted_until',
            },
        ),
        migrations.CreateModel(
            name='Alarm',
            fields=[
                ('name', models.CharField(max_length=60, primary_key=True, serialize=False)),
                ('sentence', models.TextField()),
                ('runbook', models.CharField(max_length=60)),
                ('since', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('told_at', models.DateTimeField(help_text='When people were told that it is on.', null=True)),
                ('mailed', models.BooleanField(default=False, help_text='Whether the last mail says that it is.')),
            ],
            options={
                'db_table': 'polder_alarm',
            },
        ),
    ]
