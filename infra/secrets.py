"""The app's own secrets: made by Secrets Manager, read by CloudFormation into what needs them."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.configuration import Configuration


class Secrets(Construct):
    """Django's keys, and what proves that a request came through the distribution. The first is in use.

    CloudFormation reads a secret again only when the resource that uses it changes. A secret is therefore
    replaced by another under another number, never changed.
    """

    def __init__(self, scope: Construct, construct_id: str, *, configuration: Configuration) -> None:
        super().__init__(scope, construct_id)
        self.django_keys = _made(self, "DjangoKey", configuration.django_keys, "Django's SECRET_KEY")
        self.gateway_secrets = _made(
            self,
            "GatewaySecret",
            configuration.gateway_secrets,
            "What CloudFront adds to requests to the APIs",
        )


def _made(scope: Construct, name: str, numbers: Sequence[int], description: str) -> list[str]:
    return [
        secretsmanager.Secret(
            scope,
            f"{name}{number}",
            description=description,
            # Free of punctuation: it goes into a header and through a comma-separated list.
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=64, exclude_punctuation=True
            ),
        ).secret_value.unsafe_unwrap()
        for number in numbers
    ]
