"""The account pages. Signing in and out and the password's pages are Django's own views, with our forms."""

import time
from typing import Any, cast

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth import views as auth_views
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.models import User
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN, RedirectURLMixin
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView, TemplateView

from chat import names
from chat.accounts import limits
from chat.accounts.forms import ChangePasswordForm, DeleteForm, LoginForm, SignUpForm
from chat.accounts.own_data import own_data
from chat.closing import end_connections_of

_RESET_OF = "_password_reset_of"


class LoginView(auth_views.LoginView):
    form_class = LoginForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {"can_reset": settings.CHAT_SENDS_MAIL, **super().get_context_data(**kwargs)}


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class SignUpView(RedirectURLMixin, FormView):  # type: ignore[type-arg]
    """Makes an account, signs it in and goes on to `next`, if that is a page of ours."""

    form_class = SignUpForm
    template_name = "registration/signup.html"
    next_page = "/"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        limits.admit_sign_up(request)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: SignUpForm) -> HttpResponse:
        try:
            with transaction.atomic():
                user = form.save()
        except IntegrityError:
            # Somebody else took the name between the check and now.
            form.add_error("username", names.taken())
            return self.form_invalid(form)
        login(self.request, user)
        return super().form_valid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            self.redirect_field_name: self.get_redirect_url(),
            **super().get_context_data(**kwargs),
        }


@method_decorator(never_cache, name="dispatch")
class AccountView(LoginRequiredMixin, TemplateView):
    """What one can do with one's account."""

    template_name = "registration/account.html"


class ChangePasswordView(auth_views.PasswordChangeView):
    """Ends all logins of the person but this one, and all connections: see `chat.closing`."""

    form_class = ChangePasswordForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}


class ResetPasswordView(auth_views.PasswordResetView):
    """Mails a link, where mail can be sent. The answer is the same whether or not there is an account."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.CHAT_SENDS_MAIL:
            return render(request, "registration/password_reset_unavailable.html")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        began = time.monotonic()
        limits.admit_reset(self.request, form.cleaned_data["email"])
        response: HttpResponse = super().form_valid(form)
        # Finding nobody is quick and sending is not: neither is to be told from the other.
        time.sleep(max(0.0, began + settings.CHAT_RESET_SECONDS - time.monotonic()))
        return response


class ConfirmResetView(auth_views.PasswordResetConfirmView):
    """Django's, with the link's secret in the query: paths are logged, by CloudFront too, and queries aren't.

    It moves into the session at once, so that it isn't in the address of the page that is shown.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "token" in request.GET:
            request.session[_RESET_OF] = request.GET.get("uid", "")
            request.session[INTERNAL_RESET_SESSION_TOKEN] = request.GET["token"]
            return redirect("password_reset_confirm")
        person = request.session.get(_RESET_OF, "")
        return super().dispatch(request, *args, **kwargs, uidb64=person, token=self.reset_url_token)


@method_decorator(never_cache, name="dispatch")
class OwnDataView(LoginRequiredMixin, View):
    """What the chat holds about a person, as a file."""

    def get(self, request: HttpRequest) -> HttpResponse:
        after = request.GET.get("after", "0")
        if not (after.isascii() and after.isdecimal() and len(after) < 19):
            return JsonResponse({"error": "after is the number that `next` gave."}, status=400)
        data = own_data(cast(User, request.user), int(after))
        return JsonResponse(data, headers={"Content-Disposition": 'attachment; filename="my-account.json"'})


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class DeleteAccountView(LoginRequiredMixin, FormView):  # type: ignore[type-arg]
    """Deletes the account. What the person wrote stays, under a name that is nobody's."""

    form_class = DeleteForm
    template_name = "registration/delete.html"
    success_url = reverse_lazy("account_deleted")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.request.user, "request": self.request}

    def form_valid(self, form: DeleteForm) -> HttpResponse:
        user = User.objects.get(pk=form.user.pk)
        with transaction.atomic():
            # First: whoever is just sending on one of them is waited for, and later ones are refused.
            end_connections_of(user.pk)
            user.delete()
        logout(self.request)
        return super().form_valid(form)
