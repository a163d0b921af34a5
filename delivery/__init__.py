"""Posting frames to the connections of an API Gateway WebSocket API. No Django, no database, no SDK."""
