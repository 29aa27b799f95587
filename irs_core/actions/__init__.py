"""What people do to a store: each function asks whether they may, does it, and notes it.

Pages change nothing but by these. Commands that run here and now, such as `certify`, call the
engine: whoever can start them may write to the store anyway.
"""

from irs_core.actions.acting import Acting, barred, require, taking

__all__ = ["Acting", "barred", "require", "taking"]
