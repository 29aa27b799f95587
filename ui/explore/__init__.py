"""Looking at what was certified."""
