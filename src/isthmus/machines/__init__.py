"""State without I/O: what to recompute, what to send, when. Clocks and events come in as values."""
