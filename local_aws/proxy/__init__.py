"""The HTTPS proxy that functions are given: AWS's hosts lead to this stack, others nowhere."""

from local_aws.proxy.authority import Authority
from local_aws.proxy.destinations import Destinations
from local_aws.proxy.proxy import Proxy

__all__ = ["Authority", "Destinations", "Proxy"]
