"""Who sends a request to the AWS endpoint, what it asks for, and whether that is allowed."""

from local_aws.access.entrance import Entrance

__all__ = ["Entrance"]
