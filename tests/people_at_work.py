"""People of every role, and studies that they may have."""

from synthetic import synthetic_spec

from irs_core.people import Person, Role
from irs_core.spec.study import NoiseSpec, StudySpec

VIEWER = Person("viewer@example.org", Role.VIEWER)
RUNNER = Person("runner@example.org", Role.RUNNER)
OTHER = Person("other@example.org", Role.RUNNER)
ADMIN = Person("admin@example.org", Role.ADMIN)


def spec(seed: int = 0, **changes: object) -> StudySpec:
    """A small study's specification; seeds tell studies apart."""
    return synthetic_spec(noise=NoiseSpec(0.5, seed=seed), **changes)
