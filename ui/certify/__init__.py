"""Describing, starting and following studies."""
