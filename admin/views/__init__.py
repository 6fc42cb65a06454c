"""Pages of the console: what each shows and does. What may be seen is decided by `bot.handoff.desk`."""
