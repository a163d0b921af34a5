"""Lets what a developer saves take effect in a running stack: code, built files, the assembly."""
