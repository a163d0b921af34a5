"""The URLs that browsers reach: accounts, the API and the admin."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import path
from django.views.decorators.cache import never_cache
from django_aws_api_gateway_websockets.views import WebSocketTokenView

from chat.accounts import SignUpView
from chat.session_api import SessionView

urlpatterns = [
    path("accounts/login/", auth_views.LoginView.as_view(), name="login"),
    path("accounts/logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("accounts/signup/", SignUpView.as_view(), name="signup"),
    path("api/session", SessionView.as_view(), name="session"),
    path("api/ws-token", never_cache(WebSocketTokenView.as_view()), name="ws-token"),
    path("admin/", admin.site.urls),
]
