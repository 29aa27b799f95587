"""Certification methods, one module each."""
