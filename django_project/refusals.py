"""A page for whoever does something more often than they may, with the seconds that they have to wait."""

import math

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from chat.wire import Refusal


class RefusalMiddleware(MiddlewareMixin):
    """Any page's view may refuse as the actions of the chat do."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refusal) or exception.code != "rate_limited":
            return None
        seconds = math.ceil(exception.details["retry_after"])
        page = {"sentence": exception.sentence, "seconds": seconds}
        response = render(request, "429.html", page, status=429)
        response["Retry-After"] = str(seconds)
        response["Cache-Control"] = "no-store"
        return response
