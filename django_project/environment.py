"""What the functions' environment variables say, read and checked in one place."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

DEFAULT_ORIGIN = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DatabaseEnvironment:
    """How to reach PostgreSQL. With ``iam`` the password is a token made for each connection.

    A password beside it serves where the token is refused: a new database knows its master by password only.
    ``users`` are those that a deployment makes, by the function that signs in as each.
    """

    host: str
    port: int
    name: str
    user: str
    sslmode: str
    ca_file: str
    auth: str
    password: str
    users: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MailEnvironment:
    """How mail leaves: by an SMTP server, printed (`printed`), or not at all (`offered` is false)."""

    offered: bool = False
    printed: bool = False
    sender: str = ""
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    tls_from_the_start: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Environment:
    """The typed environment of every function that runs Django."""

    public_origin: str
    secret_key: str
    secret_key_fallbacks: tuple[str, ...]
    gateway_secrets: tuple[str, ...]
    database: DatabaseEnvironment
    websocket_api_id: str
    websocket_stage: str
    delivery_queue_url: str
    connects_per_person: int
    connects_per_address: int
    logins_per_account: int
    logins_per_address: int
    mail: MailEnvironment
    region: str

    @property
    def public_netloc(self) -> str:
        """The public host, with its port where the origin names one."""
        return urlsplit(self.public_origin).netloc

    @property
    def is_https(self) -> bool:
        return self.public_origin.startswith("https://")


def read_environment(variables: Mapping[str, str]) -> Environment:
    """Read the environment, naming the variable that is missing or malformed.

    Inside Lambda every secret must be given. Elsewhere (``manage.py``, type checks, tests) a
    secret key is made up for the process.

    :raises ImproperlyConfigured: With a sentence that names the variable.
    """
    in_lambda = "AWS_LAMBDA_FUNCTION_NAME" in variables
    secret_key = variables.get("DJANGO_SECRET_KEY", "")
    if not secret_key:
        if in_lambda:
            raise ImproperlyConfigured("DJANGO_SECRET_KEY is not set.")
        secret_key = secrets.token_urlsafe(64)
    per_person, per_address = _pair("CONNECT_LIMIT", variables.get("CONNECT_LIMIT", "20/600"))
    per_account, logins_per_address = _pair("LOGIN_LIMIT", variables.get("LOGIN_LIMIT", "10/100"))
    return Environment(
        public_origin=_origin(variables.get("PUBLIC_ORIGIN", DEFAULT_ORIGIN)),
        secret_key=secret_key,
        secret_key_fallbacks=_listed(variables.get("DJANGO_SECRET_KEY_FALLBACKS", "")),
        gateway_secrets=_listed(variables.get("GATEWAY_SECRETS", "")),
        database=_database(variables),
        websocket_api_id=variables.get("WEBSOCKET_API_ID", ""),
        websocket_stage=variables.get("WEBSOCKET_STAGE", "ws"),
        delivery_queue_url=variables.get("DELIVERY_QUEUE_URL", ""),
        connects_per_person=per_person,
        connects_per_address=per_address,
        logins_per_account=per_account,
        logins_per_address=logins_per_address,
        mail=_mail(variables.get("MAIL_URL", ""), variables.get("MAIL_FROM", "")),
        region=variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION", ""),
    )


def _listed(value: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in value.split(",") if item.strip())


def _database(variables: Mapping[str, str]) -> DatabaseEnvironment:
    auth = variables.get("DATABASE_AUTH", "password")
    if auth not in ("iam", "password"):
        raise ImproperlyConfigured(f'DATABASE_AUTH must be "iam" or "password", not "{auth}".')
    return DatabaseEnvironment(
        host=variables.get("DATABASE_HOST", "127.0.0.1"),
        port=_whole_number("DATABASE_PORT", variables.get("DATABASE_PORT", "5432")),
        name=variables.get("DATABASE_NAME", "parlor"),
        user=variables.get("DATABASE_USER", "parlor_master"),
        sslmode=variables.get("DATABASE_SSLMODE", "prefer"),
        ca_file=variables.get("DATABASE_CA_FILE", ""),
        auth=auth,
        password=variables.get("DATABASE_PASSWORD", ""),
        users=_users(variables.get("DATABASE_USERS", "")),
    )


def _users(value: str) -> Mapping[str, str]:
    pairs = [pair.strip().split("=") for pair in value.split(",") if pair.strip()]
    if not all(len(pair) == 2 and all(pair) for pair in pairs):
        raise ImproperlyConfigured(f'DATABASE_USERS must look like "http=parlor_http,…", not "{value}".')
    return dict(pairs)


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query:
        raise ImproperlyConfigured(f'PUBLIC_ORIGIN must look like "https://chat.example.com", not "{value}".')
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _mail(url: str, sender: str) -> MailEnvironment:
    """`smtp://user:password@host:587` must turn to TLS before anything is said, `smtps://` begins with it."""
    if url in ("", "console:"):
        return MailEnvironment(offered=bool(url), printed=bool(url), sender=sender or "parlor@localhost")
    parts = urlsplit(url)
    try:
        port = parts.port or (465 if parts.scheme == "smtps" else 587)
    except ValueError:
        port = 0
    # What it is isn't repeated: there is a password in it.
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or not port:
        raise ImproperlyConfigured(
            'MAIL_URL must look like "smtp://user:password@host:587", or be "console:".'
        )
    if "@" not in sender:
        raise ImproperlyConfigured(f'MAIL_FROM must be the address that mail is sent from, not "{sender}".')
    return MailEnvironment(
        offered=True,
        sender=sender,
        host=parts.hostname,
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls_from_the_start=parts.scheme == "smtps",
    )


def _pair(name: str, value: str) -> tuple[int, int]:
    person, slash, address = value.partition("/")
    if not slash:
        raise ImproperlyConfigured(f'{name} must look like "20/600" (person/address), not "{value}".')
    return _whole_number(name, person), _whole_number(name, address)


def _whole_number(name: str, value: str) -> int:
    if not value.strip().isdecimal() or int(value) < 1:
        raise ImproperlyConfigured(f'{name} must be a whole number of 1 or more, not "{value}".')
    return int(value)
