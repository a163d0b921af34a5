"""People in the admin: Django's own pages, with names that nobody can mistake, deactivation and bans."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from chat import names
from chat.admin.pages import show_refusal, throttled
from chat.models import Restriction
from chat.moderation import restrictions
from chat.wire import Refusal

admin.site.unregister(User)

_SHOWN = ("username", "email", "first_name", "last_name", "is_staff")


class NewPersonForm(AdminUserCreationForm):  # type: ignore[type-arg] # generic in the stubs only
    def clean_username(self) -> str:
        name: str = super().clean_username()
        names.check_free(name)
        return name


class PersonForm(UserChangeForm):  # type: ignore[type-arg]
    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        names.check_free(name, but=self.instance)
        return name


@admin.register(User)
class PeoplePage(UserAdmin):  # type: ignore[type-arg]
    add_form = NewPersonForm
    form = PersonForm
    list_display = (*_SHOWN, "is_active", "last_login")
    actions = ("deactivate", "activate", "ban")

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return throttled(request) or super().changelist_view(request, *args, **kwargs)

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return restrictions.may_moderate(request.user)

    @admin.action(description="Deactivate selected people", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._set_active(request, queryset, active=False)

    @admin.action(description="Activate selected people", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._set_active(request, queryset, active=True)

    def _set_active(self, request: HttpRequest, queryset: QuerySet[User], *, active: bool) -> None:
        for person in queryset.exclude(is_active=active):
            if person == request.user or (person.is_superuser and not request.user.is_superuser):
                messages.error(request, f"{person} is not yours to deactivate.")
                continue
            # One by one: what listens to a person's changes ends their connections.
            person.is_active = active
            person.save(update_fields=["is_active"])
            self.log_change(request, person, [{"changed": {"fields": ["Active"]}}])
        messages.success(request, "Done.")

    @admin.action(description="Ban selected people from everywhere, without end", permissions=["moderate"])
    def ban(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for person in queryset:
            try:
                restrictions.restrict(
                    request.user,  # type: ignore[arg-type] # the admin lets nobody in without a login
                    Restriction.Kind.BAN,
                    person,
                    room=None,
                    seconds=None,
                    reason="",
                )
            except Refusal as refused:
                show_refusal(request, refused)
        messages.success(request, "Who could be banned is banned.")
