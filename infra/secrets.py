"""The app's own secrets: made once by Secrets Manager, read by CloudFormation into what needs them."""

from __future__ import annotations

from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct


class Secrets(Construct):
    """Django's key, and what proves that a request came through the distribution.

    CloudFormation reads a secret again only when the resource that uses it changes. A secret is therefore
    replaced by a new one under a new id, never changed.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.django_key = _resolved(self, "DjangoKey1", "Django's SECRET_KEY")
        self.gateway_secret = _resolved(
            self, "GatewaySecret1", "What CloudFront adds to requests to the APIs"
        )


def _resolved(scope: Construct, construct_id: str, description: str) -> str:
    secret = secretsmanager.Secret(
        scope,
        construct_id,
        description=description,
        # Free of punctuation: it goes into a header and through a comma-separated list.
        generate_secret_string=secretsmanager.SecretStringGenerator(
            password_length=64, exclude_punctuation=True
        ),
    )
    return secret.secret_value.unsafe_unwrap()
