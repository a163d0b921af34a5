"""Django's PostgreSQL backend, with a password that may be an IAM token."""
