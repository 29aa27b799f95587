"""Imported before any test: settings that must come before torch."""

import irs_core

assert irs_core.__version__
