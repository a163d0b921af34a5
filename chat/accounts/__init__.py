"""Accounts: signing up and in, passwords, one's data, and leaving. Django's own views where it has any."""
