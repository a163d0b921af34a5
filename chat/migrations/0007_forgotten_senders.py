"""Whoever's account goes, by whatever way, leaves messages under a name that is nobody's."""

from django.db import migrations

# No user of the database may rename a sender. The name goes with the account, in the same statement.
FORGET = """
    CREATE FUNCTION chat_forget_sender() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.username := 'Deleted account';
        RETURN NEW;
    END
    $$;
    CREATE TRIGGER chat_sender_is_forgotten BEFORE UPDATE OF user_id ON chat_chatmessage
        FOR EACH ROW WHEN (OLD.user_id IS NOT NULL AND NEW.user_id IS NULL)
        EXECUTE FUNCTION chat_forget_sender();
"""
REMEMBER = """
    DROP TRIGGER chat_sender_is_forgotten ON chat_chatmessage;
    DROP FUNCTION chat_forget_sender();
"""


class Migration(migrations.Migration):
    dependencies = [("chat", "0006_taken_names")]

    operations = [migrations.RunSQL(FORGET, REMEMBER)]
