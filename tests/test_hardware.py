"""What the machine is asked about itself."""

from irs_core.hardware import free_memory


def test_some_memory_is_free_or_the_system_does_not_tell():
    found = free_memory()
    assert found is None or 10**7 < found < 10**14


def test_a_container_has_what_its_limit_leaves(tmp_path):
    machine, group = tmp_path / "meminfo", tmp_path / "group"
    group.mkdir()
    assert free_memory(machine, group) is None
    machine.write_text("MemTotal:  9000 kB\nMemAvailable:   5000 kB\n")
    assert free_memory(machine, group) == 5000 * 1024
    (group / "memory.max").write_text("max\n")
    assert free_memory(machine, group) == 5000 * 1024
    (group / "memory.max").write_text("1000000\n")
    (group / "memory.current").write_text("900000\n")
    # Half of what is used are files that were read.
    (group / "memory.stat").write_text("anon 450000\nactive_file 150000\ninactive_file 300000\n")
    assert free_memory(machine, group) == 550000
