"""Every URL of the project, as the system checks see it."""

from django.urls import include, path

urlpatterns = [
    path("", include("django_project.page_urls")),
    path("", include("chat.websocket_urls")),
]
