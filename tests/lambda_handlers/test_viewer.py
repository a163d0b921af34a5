"""The viewer's address: what CloudFront says, never what the viewer says."""

from __future__ import annotations

import pytest

from lambda_handlers.viewer import viewer_address


@pytest.mark.parametrize(
    ("forwarded_for", "address"),
    [
        ("203.0.113.7, 130.176.1.1", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7, 130.176.1.1", "203.0.113.7"),
        ("203.0.113.7", "203.0.113.7"),
        ("2001:DB8::1, 130.176.1.1", "2001:db8::1"),
        ("fe80::1%eth0, 130.176.1.1", "fe80::1"),
        ("", "198.51.100.1"),
        ("nonsense, 130.176.1.1", "198.51.100.1"),
        (" , ,", "198.51.100.1"),
        ("\ud800, 130.176.1.1", "198.51.100.1"),
    ],
)
def test_the_viewer_is_the_second_from_the_right(forwarded_for: str, address: str) -> None:
    assert viewer_address(forwarded_for, "198.51.100.1") == address
