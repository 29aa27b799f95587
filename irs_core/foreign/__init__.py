"""Files of others, for an app that many may reach: each is read in a child process with limits."""

from irs_core.foreign.answers import DataFacts, DryRow, DryRun, ModelFacts, ResultsRow
from irs_core.foreign.asking import (
    check_bundle,
    check_data_file,
    check_images,
    check_model_file,
    check_runs,
    data_facts,
    dry_run,
    file_compression,
    import_bundle,
    import_results,
    model_facts,
    read_images,
    results,
    warm_up,
)

__all__ = [
    "DataFacts",
    "DryRow",
    "DryRun",
    "ModelFacts",
    "ResultsRow",
    "check_bundle",
    "check_data_file",
    "check_images",
    "check_model_file",
    "check_runs",
    "data_facts",
    "dry_run",
    "file_compression",
    "import_bundle",
    "import_results",
    "model_facts",
    "read_images",
    "results",
    "warm_up",
]
