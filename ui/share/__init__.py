"""Taking studies elsewhere and bringing some in."""
