"""Reads a synthesised assembly (`cdk.out`) into the types of `local_aws.model`."""

from local_aws.assembly.reader import read
from local_aws.assembly.site import Site

__all__ = ["Site", "read"]
