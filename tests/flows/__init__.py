"""The dialogue core: golden conversations, the engine's bounds, matching and templates."""
