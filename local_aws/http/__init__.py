"""A small HTTP/1.1 server for a handler of requests: edge, AWS endpoint and Runtime APIs stand on it."""

from local_aws.http.connection import Later
from local_aws.http.messages import Request, Response, decoded, serialise
from local_aws.http.server import Server, serve

__all__ = ["Later", "Request", "Response", "Server", "decoded", "serialise", "serve"]
