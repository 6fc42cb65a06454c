"""Dialogue flows: what the bot says and asks, step by step. Pure; knows no channel, clock or database."""
