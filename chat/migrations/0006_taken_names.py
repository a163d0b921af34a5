"""What everybody's name looks like. Where names look alike already, the first one's counts."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

BATCH = 1000


def take_names(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    from chat.names import skeletons

    taken_name = apps.get_model("chat", "TakenName")
    people = apps.get_model("auth", "User").objects.order_by("pk").values_list("pk", "username")
    rows = (
        taken_name(user_id=pk, shown=shown, folded=folded)
        for pk, username in people.iterator(BATCH)
        for shown, folded in [skeletons(username)]
    )
    taken_name.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("chat", "0005_rights"),
    ]

    operations = [
        migrations.CreateModel(
            name="TakenName",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("shown", models.TextField(unique=True)),
                ("folded", models.TextField(unique=True)),
            ],
        ),
        migrations.RunPython(take_names, migrations.RunPython.noop),
    ]
