"""The benchmark's own parts: what it counts, what it makes, how it judges. Never how fast anything is."""
