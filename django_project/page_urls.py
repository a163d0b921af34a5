"""The URLs that browsers reach: accounts, the API and the admin."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView
from django_aws_api_gateway_websockets.views import WebSocketTokenView

from chat.accounts import views as accounts
from chat.accounts.forms import AdminLoginForm
from chat.session_api import SessionView

admin.site.login_form = AdminLoginForm

# Names as in django.contrib.auth.urls: its views and the admin look for each other by them.
urlpatterns = [
    path("accounts/", accounts.AccountView.as_view(), name="account"),
    path("accounts/login/", accounts.LoginView.as_view(), name="login"),
    path("accounts/logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("accounts/signup/", accounts.SignUpView.as_view(), name="signup"),
    path("accounts/password/", accounts.ChangePasswordView.as_view(), name="password_change"),
    path(
        "accounts/password/done/",
        auth_views.PasswordChangeDoneView.as_view(),
        name="password_change_done",
    ),
    path("accounts/reset/", accounts.ResetPasswordView.as_view(), name="password_reset"),
    path("accounts/reset/sent/", auth_views.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("accounts/reset/new/", accounts.ConfirmResetView.as_view(), name="password_reset_confirm"),
    path(
        "accounts/reset/done/",
        auth_views.PasswordResetCompleteView.as_view(),
        name="password_reset_complete",
    ),
    path("accounts/data/", accounts.OwnDataView.as_view(), name="own_data"),
    path("accounts/delete/", accounts.DeleteAccountView.as_view(), name="account_delete"),
    path(
        "accounts/deleted/",
        TemplateView.as_view(template_name="registration/deleted.html"),
        name="account_deleted",
    ),
    path("api/session", SessionView.as_view(), name="session"),
    path("api/ws-token", never_cache(WebSocketTokenView.as_view()), name="ws-token"),
    path("admin/", admin.site.urls),
]
