"""What a run says that it does: words, never names of streams."""

from typing import get_args

import pytest

from irs_core.run.words import model_titles, stage_words, stream_words
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, Stream, StudySpec
from irs_core.store import BASE

SPEC = StudySpec(
    model=ModelSpec("shipped:digits-0.50"),
    data=DataSpec(),
    noise=NoiseSpec(0.5),
    compressions=(parse_compression("prune:0.1"),),
)


@pytest.mark.parametrize(
    ("names", "stream", "said"),
    [
        ([BASE], "select", "original: choosing the class"),
        ([BASE], "estimate", "original: counting"),
        (["prune:0.1"], "select", "prune 10%: pilot"),
        (["prune:0.1"], "scratch-estimate", "prune 10%: baseline, counting"),
        (["prune:0.1", "fp16"], "estimate", "2 models: counting"),
        (["unknown"], "estimate", "unknown: counting"),
    ],
)
def test_a_stage_is_told_in_words(names, stream, said):
    assert stage_words(names, stream, model_titles(SPEC)) == said


@pytest.mark.parametrize("stream", get_args(Stream))
@pytest.mark.parametrize("name", [BASE, "fp16"])
def test_every_stream_has_words_of_its_own(name, stream):
    assert stream_words(name, stream).replace("pilot", "") != stream
