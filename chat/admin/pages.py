"""What all our pages of the admin have in common: they are throttled, and tell what was refused."""

import math
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse

from chat.allowances import Allowance, spend
from chat.wire import Refusal

# A search goes through all messages: nobody needs more by hand.
_PAGES = Allowance(120, 60, "You ask for more pages than anybody reads. Wait a moment.")


def throttled(request: HttpRequest) -> HttpResponse | None:
    """Count a page of a member of the staff. Returns what to answer where there were too many."""
    try:
        spend(f"admin user {request.user.pk}", _PAGES)
    except Refusal as refused:
        seconds = str(math.ceil(refused.details["retry_after"]))
        return HttpResponse(
            refused.sentence, status=429, content_type="text/plain", headers={"Retry-After": seconds}
        )
    return None


def show_refusal(request: HttpRequest, refused: Refusal) -> None:
    messages.error(request, refused.sentence)


class Page(admin.ModelAdmin):  # type: ignore[type-arg] # generic in the stubs only
    """A model's pages."""

    show_full_result_count = False

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return throttled(request) or super().changelist_view(request, *args, **kwargs)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return throttled(request) or super().changeform_view(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return throttled(request) or super().delete_view(request, *args, **kwargs)


class ReadOnlyPage(Page):
    """Rows that the admin shows, and neither adds, changes nor removes as rows."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
