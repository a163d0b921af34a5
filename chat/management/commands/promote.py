"""`manage.py promote USERNAME`: makes somebody a superuser, with a new account where there is none."""

import secrets
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = "Make a superuser of USERNAME, and the account first where there is none."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--password", default="", help="The password to set. Without it, a new account gets one made up."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        password: str = options["password"]
        username = User.normalize_username(options["username"])
        try:
            User(username=username).clean_fields(exclude=["password"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        user = User.objects.filter(username=username).first()
        known = user is not None
        user = user or User(username=username)
        made_up = ""
        if not known and not password:
            password = made_up = secrets.token_urlsafe(12)
        if password:
            user.set_password(password)
        user.is_active = user.is_staff = user.is_superuser = True
        user.save()
        kept = " It keeps its password." if known and not password else ""
        self.stdout.write(f"{username} {'is now' if known else 'was made'} a superuser.{kept}")
        if made_up:
            self.stdout.write(f"Password: {made_up}")
