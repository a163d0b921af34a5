"""The chat: rooms, messages, who may do what, and what goes out to whom."""
