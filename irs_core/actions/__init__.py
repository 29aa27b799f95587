"""What people do to a store: each function asks whether they may, does it, and notes it.

Pages and commands change nothing by themselves: they call these.
"""

from irs_core.actions.acting import Acting, barred, require, taking

__all__ = ["Acting", "barred", "require", "taking"]
