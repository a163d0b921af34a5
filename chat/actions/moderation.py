"""Reporting messages; muting, banning, and lifting what was decided."""

from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse

from chat import frames, rooms
from chat.actions.acting import ActingView, action, room_forbidden
from chat.models import REASON_LENGTH, USERNAME_LENGTH, Report, Restriction
from chat.moderation import reports, restrictions
from chat.text import checked_note
from chat.wire import Refusal, answer, timestamp

_Choice = TypeVar("_Choice", Report.Reason, Restriction.Kind)


class ModerationActions(ActingView):
    """What keeps a room fit to be in."""

    @action
    def report_message(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Tell the moderators of a message. The same again is answered alike."""
        room, sequence = self.room_named().room.name, self.message_named()
        reason = self._one_of("reason", Report.Reason)
        note = checked_note(self.body.get("note", ""), field="note", limit=REASON_LENGTH)
        self.spend("report")
        reports.report(self.acting.user, room, sequence, reason, note)
        return self._done("report_accepted", room=room, sequence=sequence)

    @action
    def restrict_person(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Mute or ban somebody, in a room or everywhere, for a while or without end."""
        actor = self._moderator()
        kind = self._one_of("kind", Restriction.Kind)
        room = self._restricted_room()
        seconds = frames.whole_number_or_null(self.body, "seconds", 1, restrictions.LONGEST_SECONDS)
        reason = checked_note(self.body.get("reason", ""), field="reason", limit=REASON_LENGTH)
        made = restrictions.restrict(actor, kind, self._subject(), room=room, seconds=seconds, reason=reason)
        return self._done(
            "restriction_accepted",
            id=made.id,
            kind=made.kind,
            username=made.username,
            room=made.room,
            until=timestamp(made.until) if made.until else None,
        )

    @action
    def lift_restriction(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """End a restriction before its time."""
        actor = self._moderator()
        identity = frames.whole_number_or_null(self.body, "id", 1, 2**63 - 1)
        if identity is None:
            raise Refusal("invalid_request", "Name the restriction by its id.", field="id")
        restrictions.lift(actor, identity)
        return self._done("restriction_lifted", id=identity)

    def _moderator(self) -> User:
        """Who acts, if they may moderate. Asked first, so that others learn nothing from what they name.

        :raises Refusal: `moderation_forbidden` or `rate_limited`.
        """
        user = self.acting.user
        if not isinstance(user, User) or not restrictions.may_moderate(user):
            raise Refusal("moderation_forbidden", "You may not moderate.")
        self.spend("moderation")
        return user

    def _restricted_room(self) -> str | None:
        name = self.body.get("room")
        if name is None:
            return None
        if not rooms.is_room_name(name):
            raise Refusal("invalid_room", "This is no name of a room.", room=rooms.echoed(name))
        entrance = rooms.entrance(name, self.acting.user)
        if entrance is None or not entrance.rights.admitted:
            raise room_forbidden(name)
        return name

    def _subject(self) -> User:
        name = self.body.get("username")
        # PostgreSQL takes no NUL, and no name is longer.
        if isinstance(name, str) and len(name) <= USERNAME_LENGTH and "\0" not in name:
            user = User.objects.filter(username=User.normalize_username(name)).first()
            if user:
                return user
        raise Refusal("invalid_request", "There is nobody of this name.", field="username")

    def _one_of(self, field: str, choices: type[_Choice]) -> _Choice:
        value = self.body.get(field)
        if not isinstance(value, str) or value not in choices.values:
            raise Refusal(
                "invalid_request", f"{field} must be one of {', '.join(choices.values)}.", field=field
            )
        return choices(value)

    def _done(self, answer_type: str, **fields: Any) -> HttpResponse:
        return answer({"ok": True, "type": answer_type, **fields, **frames.echo(self.body)})
