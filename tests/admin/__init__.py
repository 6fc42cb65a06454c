"""The console, as counselors meet it."""
