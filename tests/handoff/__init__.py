"""Risk words, the ticket and opening hours."""
