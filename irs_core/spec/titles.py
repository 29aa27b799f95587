"""What studies are called, and what tells those apart that are called the same."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence

from irs_core.spec.study import StudySpec
from irs_core.text import NAME, plain

# What readers of image folders say, and names that the field writes in another way.
_FOLDER = re.compile(r"images in (?P<name>[^,;]+), (?P<split>\w+) split")
_KNOWN = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "mnist": "MNIST", "imagenet": "ImageNet"}
# In the order in which a reader looks for a difference.
_DIFFERENCES: tuple[Callable[[StudySpec], str], ...] = (
    lambda spec: f"sigma {spec.noise.sigma:g}",
    lambda spec: ", ".join(one.title for one in spec.compressions) or "original alone",
    lambda spec: f"n = {spec.n:,}",
    lambda spec: f"n_p up to {spec.n_p[-1]:,}",
    lambda spec: f"{spec.data.kind} {spec.data.split}",
    lambda spec: "all inputs" if spec.data.max is None else f"{spec.data.max:,} inputs",
    lambda spec: f"every {spec.data.stride} inputs from {spec.data.start}",
    lambda spec: ", ".join(spec.methods).upper(),
    lambda spec: f"{spec.noise.kind} noise",
    lambda spec: f"seed {spec.noise.seed}",
    lambda spec: f"alpha {spec.alpha:g}",
    lambda spec: f"gamma {spec.gamma:g}",
)


def title(spec: StudySpec) -> str:
    """A study's name, or its model and noise where it has none."""
    model = spec.model
    first = "" if model.denoiser is None else f"{model.denoiser}, then "
    named = plain(f"{first}{model.weights}", NAME)
    return spec.name or f"{named}, sigma {spec.noise.sigma:g}"


def inputs_title(description: str) -> str:
    """What the reader of a data set said of it, as people say it: `CIFAR-10 test images`."""
    found = _FOLDER.fullmatch(description)
    if found is None:
        return description
    name = re.sub(r"[-_](jpe?g|png)$", "", found["name"])
    return f"{_KNOWN.get(name.lower(), name)} {found['split']} images"


def distinct_titles(specs: Sequence[StudySpec]) -> list[str]:
    """Titles in the order of the studies; equal ones are followed by the settings that differ.

    Studies that differ in nothing that is named here keep equal titles.
    """
    alike = defaultdict[str, dict[str, StudySpec]](dict)
    for spec in specs:
        alike[title(spec)][spec.id] = spec
    added = {id_: more for group in alike.values() for id_, more in _told_apart(group).items()}
    return [", ".join(filter(None, (title(spec), added[spec.id]))) for spec in specs]


def _told_apart(group: dict[str, StudySpec]) -> dict[str, str]:
    """What is added to each of several equal titles: as few settings as tell them apart."""
    added: dict[str, list[str]] = {id_: [] for id_ in group}
    for describe in _DIFFERENCES:
        if len({tuple(parts) for parts in added.values()}) == len(group):
            break
        said = {id_: describe(spec) for id_, spec in group.items()}
        if len(set(said.values())) > 1 and not all(
            one in title(group[id_]) for id_, one in said.items()
        ):
            for id_, one in said.items():
                added[id_].append(one)
    return {id_: ", ".join(parts) for id_, parts in added.items()}
