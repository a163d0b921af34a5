"""The forms of the account pages: Django's own, with the chat's limits and rules."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, UserCreationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from chat import names
from chat.accounts import limits
from chat.moderation.restrictions import is_banned_everywhere


class LoginForm(AuthenticationForm):
    """Django's, but that attempts are counted and nobody gets in who is banned from the whole chat."""

    request: HttpRequest

    def clean(self) -> dict[str, Any]:
        limits.admit_password(self.request, self.cleaned_data.get("username", ""))
        return super().clean()

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        # Only whoever knew the password comes here.
        if is_banned_everywhere(user):
            raise ValidationError("A moderator has banned this account from the chat.", code="banned")


class AdminLoginForm(LoginForm, AdminAuthenticationForm):
    """The same at the admin's own door."""


class SignUpForm(UserCreationForm):  # type: ignore[type-arg] # generic in the stubs only
    """Django's form, without names that are reserved or look like somebody else's."""

    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("username", "email")
        help_texts = {  # noqa: RUF012 (Django's own declaration)
            "email": "Optional. Without it a forgotten password can’t be replaced.",
        }

    def clean_username(self) -> str:
        username = super().clean_username()
        if username:
            names.check_name(username)
            names.check_free(username)
        return username


class ChangePasswordForm(PasswordChangeForm):
    """Django's, but that attempts at the old password are counted."""

    def __init__(self, user: User, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        limits.admit_password(self.request, self.user.get_username())
        return str(super().clean_old_password())


class DeleteForm(forms.Form):
    """Asks for the password, since what follows can't be taken back."""

    password = forms.CharField(
        strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    def __init__(self, user: User, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.request = request

    def clean_password(self) -> str:
        limits.admit_password(self.request, self.user.get_username())
        password: str = self.cleaned_data["password"]
        if not self.user.check_password(password):
            raise ValidationError("That isn’t your password.", code="wrong")
        return password
