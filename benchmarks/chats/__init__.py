"""Chats under load: a crowd of clients, what it does, and the servers that it does it to."""
