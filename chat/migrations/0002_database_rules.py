"""What PostgreSQL keeps for us and Django's models cannot say."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("chat", "0001_initial")]

    operations = [
        # A message belongs to a room that exists. The column stays the room's name, as clients know it.
        migrations.RunSQL(
            "ALTER TABLE chat_chatmessage ADD CONSTRAINT chat_message_room_exists "
            "FOREIGN KEY (room) REFERENCES chat_room (name)",
            "ALTER TABLE chat_chatmessage DROP CONSTRAINT chat_message_room_exists",
        ),
        # Counting a message must not wait for the disk: after a crash the count may start again.
        migrations.RunSQL(
            "ALTER TABLE chat_sendallowance SET UNLOGGED", "ALTER TABLE chat_sendallowance SET LOGGED"
        ),
    ]
