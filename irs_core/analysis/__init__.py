"""From evidence to numbers: counts, certificates, curves, tables."""
