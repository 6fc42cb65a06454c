"""What is told of a month, a quarter or a year: from daily counters alone, and never so that one person is seen."""
