"""What moderators do: restrict people, handle reports, and the log of all that."""
