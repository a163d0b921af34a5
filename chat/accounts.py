"""Signing up. Signing in and out are Django's own views."""

from typing import Any

from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import RedirectURLMixin
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from chat import names


class SignUpForm(UserCreationForm):  # type: ignore[type-arg] # generic in the stubs only
    """Django's form, without names that are reserved or look like somebody else's."""

    class Meta(UserCreationForm.Meta):
        model = User

    def clean_username(self) -> str:
        username = super().clean_username()
        if username:
            names.check_name(username)
            names.check_free(username)
        return username


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class SignUpView(RedirectURLMixin, FormView):  # type: ignore[type-arg]
    """Makes an account, signs it in and goes on to `next`, if that is a page of ours."""

    form_class = SignUpForm
    template_name = "registration/signup.html"
    next_page = "/"

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
