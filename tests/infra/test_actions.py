"""That the routes are for the actions that there are: neither side may import the other."""

from chat.views import ChatWebSocketView
from infra.api import ACTIONS


def test_each_action_of_the_view_has_its_route():
    assert {*ACTIONS, "default"} == ChatWebSocketView.ALLOWED_HANDLERS
