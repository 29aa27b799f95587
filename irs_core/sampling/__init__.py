"""Noise and the hot loop."""
