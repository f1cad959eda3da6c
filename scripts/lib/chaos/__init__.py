"""What `scripts/chaos` runs: one module a row, each of which breaks something and gives figures with their bounds. Needs
nothing but Python's own library and the programs that scripts/lib/parts.sh names."""
