"""Local WebSocket gateways side by side: how each is started, and what each is asked."""
