"""The page that shows what a running stack is doing, for whoever runs it."""

from local_aws.status.page import StatusPage
from local_aws.status.snapshot import Sources

__all__ = ["Sources", "StatusPage"]
