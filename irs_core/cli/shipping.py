"""`tune export`."""

import argparse


def add_export(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Stub."""
