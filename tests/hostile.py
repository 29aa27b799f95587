"""Files of every kind that the program reads, and damage to them that a number decides."""

import argparse
import io
import json
import pickle
import random
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from denoisers import made
from graph_files import export_onnx, save_ir
from PIL import Image
from safetensors.torch import save
from synthetic import synthetic_spec, synthetic_study
from torch import nn

from irs_core.data import load_dataset
from irs_core.graphs import read_graph
from irs_core.integer import ConvTerm, IntegerNetwork, Layer, PoolTerm
from irs_core.integer.files import to_bytes
from irs_core.models import build, load_model
from irs_core.models.denoiser import denoiser_bytes
from irs_core.models.denoiser_onnx import onnx_bytes
from irs_core.report import import_cohen
from irs_core.report.cohen import HEADER
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.store import Library

ARCH = "digits_resnet"


@dataclass(frozen=True)
class Kind:
    """A sound file, and what reads it.

    Args:
        name: Its name in a folder; other files that it needs lie beside it.
        others: Those files.
        read: Takes its path and an empty store.
    """

    name: str
    content: bytes
    read: Callable[[Path, Path], object]
    others: dict[str, bytes]


def make_kinds(folder: Path) -> dict[str, Kind]:
    """One sound file of every kind."""
    network = build(ARCH, 10, seed=1)
    state = network.state_dict()
    onnx = export_onnx(
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3)),
        (1, 8, 8),
        folder / "net.onnx",
    )
    save_ir(onnx, folder / "net.xml")
    graph, constants = ((folder / f"net.{end}").read_bytes() for end in ("xml", "bin"))
    record = synthetic_study(Library(folder / "store", folder), synthetic_spec(n=600, n_p=(50,)))
    Library(folder / "store", folder).export(record.id, folder / "study.irs.zip")
    bundle = (folder / "study.irs.zip").read_bytes()
    rows = "\n".join(f"{one}\t{one % 10}\t{one % 10}\t0.5\t1\t1.5" for one in range(20))
    return {
        "safetensors": Kind("w.safetensors", save(state, {"arch": ARCH}), _model, {}),
        "pt": Kind("w.pt", _torch({"arch": ARCH, "state_dict": state}), _model, {}),
        "old pt": Kind(
            "w.pt", _torch({"arch": ARCH, "state_dict": state}, zipped=False), _model, {}
        ),
        "wrapped pt": Kind("w.pt", _wrapped(state), _arch_model, {}),
        "scripted": Kind("w.pt", _scripted(), _scripted_model, {}),
        "integer": Kind("w.safetensors", _integer(), _run_model, {}),
        "denoiser": Kind("d.safetensors", denoiser_bytes(made()), _denoiser, {}),
        "denoiser onnx": Kind("d.onnx", onnx_bytes(made()), _denoiser, {}),
        "onnx": Kind("net.onnx", onnx.read_bytes(), _graph, {}),
        "ir graph": Kind("net.xml", graph, _graph, {"net.bin": constants}),
        "ir constants": Kind("net.bin", constants, _ir, {"net.xml": graph}),
        "npz": Kind("a.npz", _npz(), _data("npz"), {}),
        "cifar10": Kind("test_batch", _cifar(), _data("cifar10", folder=True), {}),
        "mnist": Kind(
            "t10k-images-idx3-ubyte",
            struct.pack(">IIII", 2051, 3, 4, 4) + bytes(48),
            _data("mnist", folder=True),
            {"t10k-labels-idx1-ubyte": struct.pack(">II", 2049, 3) + bytes(3)},
        ),
        "image": Kind("a.png", _png(), _image, {}),
        "tsv": Kind("r.tsv", f"{HEADER}\n{rows}\n".encode(), import_cohen, {}),
        "bundle": Kind("s.irs.zip", bundle, _bundle, {}),
    }


def damaged(content: bytes, seed: int) -> bytes:
    """The content after a few changes that the number decides: cut, flip, repeat, fill, insert."""
    rng = random.Random(seed)
    found = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        at = rng.randrange(len(found) + 1)
        # The beginning holds most of a format's structure.
        at = at if rng.random() < 0.5 else min(at, rng.randrange(300))
        length = rng.choice((1, 1, 2, 4, 8, 100))
        change = rng.randrange(6)
        if change == 0:
            del found[at:]
        elif change == 1 and at < len(found):
            found[at] ^= 1 << rng.randrange(8)
        elif change == 2:
            found[at:at] = found[at : at + length]
        elif change == 3:
            found[at : at + length] = bytes([rng.choice((0, 0x7F, 0xFF))]) * length
        elif change == 4:
            del found[at : at + length]
        else:
            found[at:at] = rng.randbytes(length)
    return bytes(found)


def attempt(kind: Kind, content: bytes, folder: Path) -> None:
    """Read a file as the program would; errors come through, the store must not change then."""
    for name, other in {**kind.others, kind.name: content}.items():
        (folder / name).write_bytes(other)
    store = folder / "store"
    try:
        kind.read(folder / kind.name, store)
    except BaseException:
        assert not list(store.rglob("*")), "what was refused left something in the store"
        raise


def _model(path: Path, _: Path) -> object:
    return load_model(ModelSpec(str(path)))


def _arch_model(path: Path, _: Path) -> object:
    return load_model(ModelSpec(str(path), ARCH))


def _scripted_model(path: Path, _: Path) -> object:
    return load_model(ModelSpec(str(path), num_classes=3), programs=True)


def _run_model(path: Path, _: Path) -> object:
    """An integer network is run as well: every shape in it comes from its file."""
    model = load_model(ModelSpec(str(path)))
    return model.module(torch.zeros(1, *model.input_shape))


def _denoiser(path: Path, _: Path) -> object:
    """A denoiser is put in front of a classifier as well: their shapes come from the files."""
    return load_model(ModelSpec("shipped:digits-0.50", denoiser=str(path)))


def _graph(path: Path, _: Path) -> object:
    return read_graph(path)


def _ir(path: Path, _: Path) -> object:
    return read_graph(path.with_suffix(".xml"))


def _data(kind: str, *, folder: bool = False) -> Callable[[Path, Path], object]:
    def read(path: Path, _: Path) -> object:
        return load_dataset(DataSpec(kind, str(path.parent if folder else path)))

    return read


def _image(path: Path, _: Path) -> object:
    place = path.parent / "images" / "class"
    place.mkdir(parents=True, exist_ok=True)
    (place / path.name).write_bytes(path.read_bytes())
    return load_dataset(DataSpec("image-folder", str(place.parent), split=""))


def _bundle(path: Path, store: Path) -> object:
    return Library(store, store).import_bundle(path)


def _integer() -> bytes:
    weights = np.random.default_rng(0).integers(-9, 10, (4, 1, 3, 3), np.int8)
    bias, one, three = (np.full(4, value, np.int32) for value in (0, 1, 3))
    layers = (
        Layer((ConvTerm(0, weights, padding=1),), bias, three, 0, 255),
        Layer((PoolTerm(1),), bias, one, -(1 << 20), 1 << 20),
    )
    content = to_bytes(IntegerNetwork(layers, 16, (1, 8, 8)))
    end = 8 + struct.unpack("<Q", content[:8])[0]
    # safetensors orders the metadata anew in every process, and a seed must mean one file.
    head = json.dumps(json.loads(content[8:end]), sort_keys=True).encode()
    return struct.pack("<Q", len(head)) + head + content[end:]


def _torch(content: object, *, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def _wrapped(state: dict[str, torch.Tensor]) -> bytes:
    """With masks, a normalisation and objects beside the weights."""
    named = {f"module.model.{key}": value for key, value in state.items()}
    weight = named.pop("module.model.conv1.weight")
    named["module.model.conv1.weight_orig"] = weight
    named["module.model.conv1.weight_mask"] = torch.ones_like(weight)
    named["module.normalize.mean"] = torch.zeros(1)
    named["module.normalize.std"] = torch.ones(1)
    options = argparse.Namespace(rate=0.1)
    return _torch({"model": named, "options": options, "accuracy": np.float64(0.5)})


def _scripted() -> bytes:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).eval()
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(module, torch.zeros(1, 1, 8, 8)), buffer)
    return buffer.getvalue()


def _npz() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, images=np.zeros((3, 4, 4), np.uint8), labels=np.arange(3))
    return buffer.getvalue()


def _cifar() -> bytes:
    content = {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 1]}
    return pickle.dumps(content, protocol=2)


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(buffer, "PNG")
    return buffer.getvalue()
