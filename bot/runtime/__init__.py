"""The shell around the pure core: events in, turns committed, messages out, time passing, a clean stop."""
