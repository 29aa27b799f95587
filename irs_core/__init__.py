"""Robustness certificates for compressed networks, at a fraction of the usual cost."""

__version__ = "0.1.0"
