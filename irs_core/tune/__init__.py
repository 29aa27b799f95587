"""Which layers may be compressed, and how: certified sensitivity, and a search for a mix."""
