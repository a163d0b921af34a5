"""Django's settings. Everything that depends on where this runs comes from ``environment``."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django_project.environment import read_environment

BASE_DIR = Path(__file__).resolve().parent.parent
ENVIRONMENT = read_environment(os.environ)

SECRET_KEY = ENVIRONMENT.secret_key
SECRET_KEY_FALLBACKS = list(ENVIRONMENT.secret_key_fallbacks)
DEBUG = False

# The websockets library compares the whole Host header, port included; Django the host name alone.
PUBLIC_ORIGIN = ENVIRONMENT.public_origin
ALLOWED_HOSTS = [ENVIRONMENT.public_netloc, str(urlsplit(PUBLIC_ORIGIN).hostname)]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django_aws_api_gateway_websockets",
    "chat",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django_project.content_security.ContentSecurityMiddleware",
    "django_project.refusals.RefusalMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "chat.login_sessions.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

# Everything that is routed, for the system checks. Each function serves only its own part: see
# wsgi.py and asgi.py.
ROOT_URLCONF = "django_project.urls"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "django_project" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

_database = ENVIRONMENT.database
_database_options: dict[str, Any] = {
    "sslmode": _database.sslmode,
    "server_side_binding": True,
    "prepare_threshold": 5,
    # An environment may thaw with a connection that the other end dropped hours ago: find out in seconds.
    "connect_timeout": 5,
    "tcp_user_timeout": 5000,
}
if _database.ca_file:
    _database_options["sslrootcert"] = _database.ca_file

DATABASES = {
    "default": {
        "ENGINE": "django_project.postgresql",
        "HOST": _database.host,
        "PORT": str(_database.port),
        "NAME": _database.name,
        "USER": _database.user,
        "PASSWORD": _database.password,
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": _database_options,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

_mail = ENVIRONMENT.mail
EMAIL_BACKEND = f"django.core.mail.backends.{'console' if _mail.printed else 'smtp'}.EmailBackend"
DEFAULT_FROM_EMAIL = SERVER_EMAIL = _mail.sender
EMAIL_HOST = _mail.host
EMAIL_PORT = _mail.port
EMAIL_HOST_USER = _mail.user
EMAIL_HOST_PASSWORD = _mail.password
EMAIL_USE_SSL = _mail.tls_from_the_start
EMAIL_USE_TLS = not _mail.tls_from_the_start
EMAIL_TIMEOUT = 8

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "build" / "static"

SESSION_ENGINE = "chat.login_sessions"
SESSION_COOKIE_SECURE = ENVIRONMENT.is_https
CSRF_COOKIE_SECURE = ENVIRONMENT.is_https
if ENVIRONMENT.is_https:
    # Browsers take cookies of such names from this very host only, and over TLS: no neighbouring domain can
    # plant one.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
SECURE_SSL_REDIRECT = ENVIRONMENT.is_https
SECURE_HSTS_SECONDS = 31_536_000 if ENVIRONMENT.is_https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = ENVIRONMENT.is_https
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Preloading asks browser makers to list the domain, which is for the domain's owner to decide.
SILENCED_SYSTEM_CHECKS = ["security.W021"]

# The Lambda runtime owns the root logger: it writes each line with the request's id. Refusals are part
# of the protocol and not worth a line each.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},
        "django.request": {"level": "ERROR"},
    },
}

# The websockets library
WEBSOCKETS = {
    "gateway_secret": list(ENVIRONMENT.gateway_secrets),
    "token_rate_limit_per_minute": ENVIRONMENT.connects_per_person,
    # The template declares the API; the library's admin must not change it behind its back.
    "push_changes_to_aws": False,
}
AWS_GATEWAY_REGION_NAME = ENVIRONMENT.region

# The chat
CHAT_MESSAGE_LENGTH = 4000
CHAT_SEND_LIMIT = 10
CHAT_SEND_WINDOW_SECONDS = 10
CHAT_HISTORY_PAGE = 50
# At most so many in any so many seconds: pages of history and changes of the room by connection, the rest by
# person. Nobody who uses the web client meets them.
CHAT_LIMITS = {
    "change": (20, 10),
    "history": (200, 10),
    "move": (100, 10),
    "unread": (30, 60),
    "presence": (30, 60),
    "typing": (4, 10),
    "report": (20, 600),
    "moderation": (60, 60),
}
# In rooms of more connections nobody is told who is writing.
CHAT_TYPING_CONNECTIONS = 20
# For how long people may edit and delete what they wrote. 0: not at all.
CHAT_CHANGE_SECONDS = 900
# How long is kept: what moderators did (30 days at least), handled reports, restrictions that ended.
CHAT_AUDIT_DAYS = 365
CHAT_REPORT_DAYS = 90
CHAT_RESTRICTION_DAYS = 30
CHAT_CONNECTS_PER_PERSON = ENVIRONMENT.connects_per_person
CHAT_CONNECTS_PER_ADDRESS = ENVIRONMENT.connects_per_address
# Attempts at passwords in five minutes: at one account's from one address, and from an address. As many
# accounts are made from one address.
CHAT_LOGINS_PER_ACCOUNT = ENVIRONMENT.logins_per_account
CHAT_LOGINS_PER_ADDRESS = ENVIRONMENT.logins_per_address
CHAT_SENDS_MAIL = _mail.offered
# So long takes the answer to who asks for a new password, whether or not there was somebody to send it to.
CHAT_RESET_SECONDS = 1.0
CHAT_DELIVERY_QUEUE_URL = ENVIRONMENT.delivery_queue_url
