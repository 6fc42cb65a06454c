"""The content studio."""
