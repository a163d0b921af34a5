"""The page is what the tests say."""

from tests.conformance.document import PAGE, page


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), "make it anew: python -m tests.conformance.document"
