"""Everything that waits: sockets, files, processes, clocks. Decisions are made elsewhere, in pure code."""
