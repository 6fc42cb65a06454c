"""What staff write: flows, texts, places, dates, desks, hotlines, rules; read, checked and released here."""
