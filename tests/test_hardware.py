"""What the machine is asked about itself."""

from irs_core.hardware import free_memory


def test_some_memory_is_free_or_the_system_does_not_tell():
    found = free_memory()
    assert found is None or 10**7 < found < 10**14
