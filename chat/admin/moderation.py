"""Restrictions and reports in the admin: made, lifted and resolved as moderators do on the wire."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from chat.admin.pages import Page, ReadOnlyPage, show_refusal
from chat.models import ChatMessage, Report, Restriction
from chat.moderation import reports, restrictions
from chat.wire import Refusal


class RestrictionForm(forms.ModelForm):  # type: ignore[type-arg] # generic in the stubs only
    hours = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=restrictions.LONGEST_SECONDS // 3600,
        help_text="For how long. Empty: until somebody lifts it.",
    )

    class Meta:
        model = Restriction
        fields = ("user", "kind", "room", "reason")


class HoldsFilter(admin.SimpleListFilter):
    title = "holds"
    parameter_name = "holds"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes"), ("no", "No")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Restriction]) -> QuerySet[Restriction]:
        holds = Q(lifted_at__isnull=True) & (Q(until__isnull=True) | Q(until__gt=timezone.now()))
        return {"yes": queryset.filter(holds), "no": queryset.exclude(holds)}.get(str(self.value()), queryset)


@admin.register(Restriction)
class RestrictionPage(Page):
    form = RestrictionForm
    fields = ("user", "kind", "room", "hours", "reason")
    raw_id_fields = ("user",)
    list_display = ("user", "kind", "room", "until", "reason", "created_by", "created_at", "lifted_at")
    list_filter = (HoldsFilter, "kind", "room")
    list_select_related = ("user", "room", "created_by")
    search_fields = ("user__username", "reason")
    actions = ("lift",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return restrictions.may_moderate(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return restrictions.may_moderate(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return restrictions.may_moderate(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().add_view(request, *args, **kwargs)
        except Refusal as refused:
            show_refusal(request, refused)
            return HttpResponseRedirect(request.path)

    def save_model(self, request: HttpRequest, obj: Restriction, form: Any, change: bool) -> None:
        hours = form.cleaned_data["hours"]
        made = restrictions.restrict(
            request.user,  # type: ignore[arg-type] # the admin lets nobody in without a login
            Restriction.Kind(obj.kind),
            obj.user,
            room=obj.room_id,
            seconds=hours * 3600 if hours else None,
            reason=obj.reason,
        )
        obj.pk = made.id

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return restrictions.may_moderate(request.user)

    @admin.action(description="Lift selected restrictions", permissions=["moderate"])
    def lift(self, request: HttpRequest, queryset: QuerySet[Restriction]) -> None:
        for held in queryset:
            try:
                restrictions.lift(request.user, held.pk)  # type: ignore[arg-type]
            except Refusal as refused:
                show_refusal(request, refused)
        messages.success(request, "What could be lifted is lifted.")


class WaitingFilter(admin.SimpleListFilter):
    """By default the queue: what nobody has handled yet."""

    title = "handled"
    parameter_name = "handled"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        first, *rest = super().choices(changelist)
        yield {**first, "display": "No"}
        yield from rest

    def queryset(self, request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        if self.value() == "all":
            return queryset
        return queryset.filter(resolved_at__isnull=self.value() != "yes")


@admin.register(Report)
class ReportPage(ReadOnlyPage):
    list_display = (
        *("created_at", "room", "sequence", "message", "reason", "note", "reporter"),
        *("resolution", "resolved_by", "resolved_at"),
    )
    list_filter = (WaitingFilter, "reason", "room")
    list_select_related = ("reporter", "resolved_by")
    list_per_page = 50
    search_fields = ("room", "note", "reporter__username")
    ordering = ("created_at",)
    actions = ("dismiss", "acted_upon")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return restrictions.may_moderate(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return restrictions.may_moderate(request.user)

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return restrictions.may_moderate(request.user)

    @admin.display(description="message")
    def message(self, report: Report) -> str:
        found = ChatMessage.objects.filter(room=report.room, sequence=report.sequence).first()
        if found is None:
            return ""
        return f"{found.username}: {'(deleted)' if found.deleted_at else found.message[:200]}"

    @admin.action(description="Resolve: nothing to do", permissions=["moderate"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Report]) -> None:
        self._resolve(request, queryset, Report.Resolution.DISMISSED)

    @admin.action(description="Resolve: acted upon", permissions=["moderate"])
    def acted_upon(self, request: HttpRequest, queryset: QuerySet[Report]) -> None:
        self._resolve(request, queryset, Report.Resolution.ACTED)

    def _resolve(
        self, request: HttpRequest, queryset: QuerySet[Report], resolution: Report.Resolution
    ) -> None:
        chosen = list(queryset)
        for report in chosen:
            reports.resolve(request.user, report.pk, resolution)  # type: ignore[arg-type]
        messages.success(request, f"{len(chosen)} reports are resolved.")
