"""Where foreign files are read: in a child process with limits, by paths that cannot lead out."""

from irs_core.sandbox.gate import in_child, keep_spare, network_is_shut
from irs_core.sandbox.limits import FILE_MB, FILE_SECONDS, Limits

__all__ = ["FILE_MB", "FILE_SECONDS", "Limits", "in_child", "keep_spare", "network_is_shut"]
