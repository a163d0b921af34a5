"""The actions that an open connection can ask for, by what they are about."""
