"""What a run does, in the words of a reader who knows no stream by name. Free of torch."""

from collections.abc import Mapping, Sequence

from irs_core.spec.study import Stream, StudySpec
from irs_core.store import BASE

_STREAMS: Mapping[Stream, str] = {
    "select": "choosing the class",
    "estimate": "counting",
    "scratch-select": "baseline, choosing the class",
    "scratch-estimate": "baseline, counting",
    "pilot": "pilot",
}


def model_titles(spec: StudySpec) -> dict[str, str]:
    """What a study's classifiers are called, by their names in it, the original first."""
    return {BASE: "original", **{str(one): one.title for one in spec.compressions}}


def stream_words(name: str, stream: Stream) -> str:
    """What a classifier's draws on a stream are for."""
    # The class is the original's choice; a compressed model plans its draws on that stream.
    return _STREAMS["pilot" if stream == "select" and name != BASE else stream]


def stage_words(names: Sequence[str], stream: Stream, titles: Mapping[str, str]) -> str:
    """What classifiers at work on a stream do: `original: counting`.

    Args:
        names: At least one name in the study.
        titles: See `model_titles`.
    """
    who = titles.get(names[0], names[0]) if len(names) == 1 else f"{len(names)} models"
    return f"{who}: {stream_words(names[0], stream)}"
