"""Networks: architectures by name, weights read safely, and the models that come along."""

from irs_core.models.card import card_markdown, read_card, write_card
from irs_core.models.checkpoint import Checkpoint, read_checkpoint
from irs_core.models.digest import state_digest
from irs_core.models.graph import GraphModel, GraphModule, load_file_model
from irs_core.models.load import load_model, model_digest
from irs_core.models.loaded import LoadedModel
from irs_core.models.normalize import NormalizeLayer
from irs_core.models.registry import (
    Architecture,
    build,
    canonical_name,
    find_architecture,
    known_architectures,
    register,
)
from irs_core.models.shipping import shipped_cards, shipped_names

__all__ = [
    "Architecture",
    "Checkpoint",
    "GraphModel",
    "GraphModule",
    "LoadedModel",
    "NormalizeLayer",
    "build",
    "canonical_name",
    "card_markdown",
    "find_architecture",
    "known_architectures",
    "load_file_model",
    "load_model",
    "model_digest",
    "read_card",
    "read_checkpoint",
    "register",
    "shipped_cards",
    "shipped_names",
    "state_digest",
    "write_card",
]
