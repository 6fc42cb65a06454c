"""The counselor's console and the command line."""
