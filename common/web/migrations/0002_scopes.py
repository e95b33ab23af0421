import django.contrib.postgres.fields
from django.db import migrations, models

TO_SCOPES = "UPDATE web_apikey SET scopes = CASE WHEN may_write THEN ARRAY['read', 'write'] ELSE ARRAY['read'] END"
FROM_SCOPES = "UPDATE web_apikey SET may_write = 'write' = ANY(scopes)"


class Migration(migrations.Migration):
    dependencies = [("web", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="apikey",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=10), help_text="read, write, ops: one or more.", size=None, default=list
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(sql=TO_SCOPES, reverse_sql=FROM_SCOPES),
        migrations.RemoveField(model_name="apikey", name="may_write"),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                name="apikey_scopes",
                condition=models.Q(scopes__contained_by=["read", "write", "ops"], scopes__len__gt=0),
            ),
        ),
    ]
