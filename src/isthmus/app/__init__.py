"""One file per running role: wiring of edge, machines and dialects, and no logic of its own."""
