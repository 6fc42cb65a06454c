"""Reports: periods, what may be told, measures, pages."""
