"""The secret that CloudFront adds to every request: what lacks it did not come through the distribution."""

from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import constant_time_compare
from django_aws_api_gateway_websockets.models import get_gateway_secrets


def accepted_secrets() -> list[str]:
    """The secrets that are accepted, the newest first.

    :raises ImproperlyConfigured: There is none, and the library would then let everything through.
    """
    secrets = get_gateway_secrets()
    if not secrets:
        raise ImproperlyConfigured(
            "GATEWAY_SECRETS is not set: forged requests could not be told from others."
        )
    return secrets


def is_accepted(given: str) -> bool:
    # Every secret is compared, so that the time tells nothing.
    matches = [constant_time_compare(given, secret) for secret in accepted_secrets()]
    return any(matches)
