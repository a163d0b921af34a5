"""Who sends a request to the AWS endpoint, what it asks for, and whether that is allowed."""

from local_aws.access.access import Access, Denied

__all__ = ["Access", "Denied"]
