"""Modules that answer differently are told apart, whatever the difference is made of."""

import functools

import numpy as np
import pytest
import torch
from torch import nn

from irs_core.api import certify, load
from irs_core.errors import SpecError
from irs_core.models import load_model
from irs_core.models.described import described
from irs_core.models.objects import adopt, adopted
from irs_core.spec.study import ModelSpec

INNER = load_model(ModelSpec("shipped:digits-0.50")).module


class Holder(nn.Module):
    """A network with one more thing, which `forward` may use."""

    def __init__(self, held: object, inner: nn.Module = INNER) -> None:
        super().__init__()
        self.inner, self._held = inner, held

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.inner(torch.flip(images, [3]) if self._held is True else images)


class Kept(nn.Module):
    """A buffer that is not in the state."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.register_buffer("value", torch.tensor(value), persistent=False)


class Same(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images


class Negated(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return -images


def closing_over(value: float):
    return lambda images: images * value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (False, True),
        ((1, [2]), (1, [3])),
        ({"a": 1}, {"a": 2}),
        ({1, 2}, {1, 3}),
        (np.zeros(2), np.ones(2)),
        (torch.zeros(2), torch.ones(2)),
        (torch.relu, torch.tanh),
        (functools.partial(torch.flip, dims=[2]), functools.partial(torch.flip, dims=[3])),
        (closing_over(1.0), closing_over(2.0)),
        ([nn.Linear(2, 2)], [nn.Linear(2, 2)]),
        (Same(), Negated()),
        (Kept(1.0), Kept(2.0)),
        (nn.MaxPool2d(2), nn.MaxPool2d(2, stride=1)),
        (nn.Dropout(0.1), nn.Identity()),
    ],
)
def test_another_part_is_another_classifier(one, other):
    assert adopt(Holder(one), name="n") == adopt(Holder(one), name="n")
    assert adopt(Holder(one), name="n") != adopt(Holder(other), name="n")


def test_a_hook_is_a_part():
    plain, hooked = Holder(None, nn.Identity()), Holder(None, nn.Identity())
    hooked.register_forward_hook(closing_over(2.0))
    assert adopt(plain, name="n") != adopt(hooked, name="n")


def test_an_attribute_that_cannot_be_read_is_refused():
    with pytest.raises(SpecError, match=r"depend on _held, of type object, .* callable"):
        adopt(Holder(object()))


def test_what_is_changed_later_does_not_reach_the_study():
    module = Holder(None, nn.Linear(1, 2))
    text = adopt(module)
    with torch.no_grad():
        module.inner.weight.add_(1)
    assert not torch.equal(adopted(text).inner.weight, module.inner.weight)
    assert adopt(module) != text


def test_one_does_not_get_the_certificates_of_another(tmp_path):
    def predicted(flipped: bool, store: str) -> list[int]:
        model = load(model=Holder(flipped), max=4)
        found = certify(model, [], sigma=0.5, n=100, n0=20, n_p=[20], store=tmp_path / store)
        return found.certificates().predicted.tolist()

    straight = predicted(False, "shared")
    assert predicted(True, "shared") == predicted(True, "alone") != straight


def written(source: str, name: str = "Net") -> nn.Module:
    """A module whose class has no source at hand, as one from the cell of a notebook."""
    space: dict[str, object] = {"__name__": "__main__", "nn": nn, "torch": torch}
    exec(compile(source, "<cell>", "exec"), space)
    found = space[name]
    assert isinstance(found, type)
    made: nn.Module = found()
    return made


CELL = """
class Base(nn.Module):
    scale = {scale}
    def forward(self, x):
        return self.answer(x)
    def answer(self, x):
        return (lambda y: {answer})(x)
class Net(Base):
    pass
"""


def cell(answer: str = "y.relu()", scale: float = 1.0) -> str:
    return described(written(CELL.format(answer=answer, scale=scale)))


def test_code_without_source_is_told_apart_by_what_python_runs():
    # The same instructions and constants, another name; a constant; an attribute of the class.
    texts = {cell(), cell("y.sigmoid()"), cell("y * 2"), cell("y * 3"), cell(scale=2.0)}
    assert len(texts) == 5
    assert cell() == cell()
    assert " at 0x" not in cell()


class Inherited(Negated):
    """All that it answers is its parent's."""


class AlsoInherited(Same):
    """As above."""


AlsoInherited.__qualname__ = Inherited.__qualname__


def test_what_a_class_inherits_is_part_of_it():
    assert "return -images" in described(Inherited())
    assert described(Inherited()) != described(AlsoInherited())


def test_a_parametrised_layer_keeps_the_code_of_its_class():
    class Own(nn.Linear):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return -super().forward(images)

    net = Own(2, 2)
    nn.utils.parametrize.register_parametrization(net, "weight", Same())
    assert type(net).__module__.startswith("torch")
    assert "return -super().forward(images)" in described(net)
