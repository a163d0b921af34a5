"""What happens to a text on its way from a client and back."""
