"""Who is at the other end of a request that came through CloudFront."""

from ipaddress import ip_address


def viewer_address(forwarded_for: str, source_ip: str) -> str:
    """The address of the viewer: the second from the right in X-Forwarded-For.

    API Gateway adds the edge's address as the last one, CloudFront the viewer's before it. What stands
    further left is the viewer's own word. (Unconfirmed on AWS for WebSocket APIs: this is the one place to
    correct.)
    """
    addresses = [address.strip() for address in forwarded_for.split(",") if address.strip()]
    candidate = addresses[-2] if len(addresses) > 1 else addresses[-1] if addresses else source_ip
    try:
        return str(ip_address(candidate.partition("%")[0]))
    except ValueError:
        return source_ip
