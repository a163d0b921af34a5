"""The port that people open: a distribution's behaviours, buckets and APIs, or the APIs directly."""

from local_aws.edge.edge import Edge

__all__ = ["Edge"]
