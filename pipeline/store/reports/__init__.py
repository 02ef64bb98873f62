"""How much paper waits, is done or is late: the counts that managers see."""
