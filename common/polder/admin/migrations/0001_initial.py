import django.core.serializers.json
import django.db.models.functions.datetime
from django.db import migrations, models


# The run-time role may insert and read, and neither drop a trigger nor truncate a table that is not its own.
APPEND_ONLY = """
CREATE FUNCTION polder_admin_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what operators did is not changed and not deleted';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON polder_admin_operatoraction FOR EACH ROW EXECUTE FUNCTION polder_admin_append_only();
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='OperatorAction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('operator', models.CharField(max_length=150)),
                ('action', models.CharField(max_length=30)),
                ('target', models.CharField(help_text='What kind of thing.', max_length=60)),
                ('key', models.CharField(max_length=64)),
                ('reason', models.CharField(max_length=500)),
                ('done', models.BooleanField(help_text='No: it failed, and nothing but this row was written.')),
                ('error', models.TextField(default='')),
                ('form', models.UUIDField(editable=False, help_text='The form that asked for it: what one form asks for is done once.', null=True)),
                ('asked', models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder, help_text='What the operator filled in.')),
                ('before', models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder, help_text="What it changed, as it was under the row's lock.")),
                ('after', models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['key'], name='operator_action_key')],
                'constraints': [models.UniqueConstraint(fields=('form', 'target', 'key'), name='form_carried_out_once')],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, "DROP FUNCTION polder_admin_append_only CASCADE"),
    ]
