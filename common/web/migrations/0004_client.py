from django.db import migrations, models

# What was answered is kept for whoever holds the key now: a key that is rotated afterwards gets the same answers.
TO_CLIENTS = """
    UPDATE web_apikey SET client = name;
    UPDATE web_idempotentresponse AS answered SET caller = 'client:' || key.client FROM web_apikey AS key WHERE answered.caller = 'key:' || key.id
"""
FROM_CLIENTS = """
    UPDATE web_idempotentresponse AS answered SET caller = 'key:' || key.id
    FROM (SELECT client, min(id) AS id FROM web_apikey GROUP BY client) AS key WHERE answered.caller = 'client:' || key.client
"""


class Migration(migrations.Migration):
    dependencies = [("web", "0003_permissions")]
    operations = [
        migrations.AddField(
            model_name="apikey",
            name="client",
            field=models.CharField(
                blank=True, db_index=True, default="", help_text="Whose key it is, through all rotations; the first key's name.", max_length=100
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(sql=TO_CLIENTS, reverse_sql=FROM_CLIENTS),
    ]
