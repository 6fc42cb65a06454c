"""What anybody may look at without a talk: places, dates, things to read, lines that are open now."""
