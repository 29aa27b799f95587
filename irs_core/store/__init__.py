"""Evidence on disk: arrays of predictions, manifests of studies, bundles."""

from irs_core.store.bundle import SUFFIX, Bundle, read_bundle
from irs_core.store.evidence import CHUNK_DRAWS, ChunkId, EvidenceArray, EvidenceKey
from irs_core.store.library import Damaged, Library, Survey, default_root
from irs_core.store.records import BASE, DataRecord, ModelRecord, StudyRecord
from irs_core.store.study import Study

__all__ = [
    "BASE",
    "CHUNK_DRAWS",
    "SUFFIX",
    "Bundle",
    "ChunkId",
    "Damaged",
    "DataRecord",
    "EvidenceArray",
    "EvidenceKey",
    "Library",
    "ModelRecord",
    "Study",
    "StudyRecord",
    "Survey",
    "default_root",
    "read_bundle",
]
