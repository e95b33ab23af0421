import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='BrokerDifference',
            fields=[
                ('sentence', models.CharField(max_length=1000, primary_key=True, serialize=False)),
                ('since', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='When a look first found it.')),
            ],
            options={
                'db_table': 'polder_broker_difference',
                'ordering': ['since', 'sentence'],
            },
        ),
    ]
