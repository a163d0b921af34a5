"""The rooms that a new chat starts with."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

FIRST_ROOMS = [
    # name, title, guests may enter, access
    ("general", "General", True, "allow_all"),
    ("support", "Support", True, "allow_all"),
    ("random", "Random", True, "allow_all"),
    ("staff", "Staff", False, "staff_only"),
]


def make_first_rooms(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    room = apps.get_model("chat", "Room")
    permission = apps.get_model("django_aws_api_gateway_websockets", "ChannelPermission")
    for position, (name, title, guests, access) in enumerate(FIRST_ROOMS, start=1):
        room.objects.get_or_create(
            name=name, defaults={"title": title, "guests": guests, "position": position}
        )
        permission.objects.get_or_create(channel_name=name, defaults={"access": access})


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0002_database_rules"),
        ("django_aws_api_gateway_websockets", "0015_alter_apigateway_provisioning_status"),
    ]

    operations = [migrations.RunPython(make_first_rooms, migrations.RunPython.noop)]
