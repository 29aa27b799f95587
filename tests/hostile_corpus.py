"""A few hundred files that were made to hurt whoever reads them, each with the way that it is sent.

Contents are made when they are asked for, so that a test can take a sample.
"""

import gzip
import io
import json
import pickle
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from hostile import Kind, damaged
from onnx import TensorProto, helper

from irs_core.report import HEADER

_ZEROS = 900_000_000
_DEEP = 100_000
# Of ONNX files; what every runtime reads.
_IR = 9
_DAMAGE_SEEDS = range(6)
_CUTS = (0.02, 0.5, 0.97)


@dataclass(frozen=True)
class Hostile:
    """A file, and how an app that got it would read it.

    Args:
        name: What it is; unique.
        file: Its name on the disk.
        send: How, for `hostile_gate.send`.
        make: Its content.
        others: Files beside it; those whose content is a text are links to that path.
    """

    name: str
    file: str
    send: str
    make: Callable[[], bytes]
    others: Mapping[str, bytes | str]

    def place(self, folder: Path) -> Path:
        """Write it into a folder; its path."""
        for name, content in {**self.others, self.file: self.make()}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                path.symlink_to(content)
            else:
                path.write_bytes(content)
        return folder / self.file


def corpus(kinds: Mapping[str, Kind]) -> list[Hostile]:
    """All of them.

    Args:
        kinds: Sound files to damage, of `hostile.make_kinds`.
    """
    crafted = [*_bundles(), *_arrays(), *_images(), *_tables(), *_texts(), *_graphs(), *_weights()]
    found = [*crafted, *_damaged(kinds)]
    assert len({one.name for one in found}) == len(found)
    return found


def _plain(name: str, file: str, send: str, content: bytes) -> Hostile:
    return Hostile(name, file, send, lambda: content, {})


def _lazy(name: str, file: str, send: str, make: Callable[[], bytes]) -> Hostile:
    return Hostile(name, file, send, make, {})


# Networks as graphs.


def _model(
    nodes: list, *, initializers: tuple = (), functions: tuple = (), shape=(1, 8, 8)
) -> bytes:
    """An ONNX file from images to ten scores; `nodes` make `y` of `x`."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *shape])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 10])
    graph = helper.make_graph(nodes, "g", [x], [y], list(initializers))
    opset = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    return helper.make_model(
        graph, opset_imports=opset, ir_version=_IR, functions=list(functions)
    ).SerializeToString()


def _head() -> tuple[list, tuple]:
    """Nodes from `x` to `y`, and their weights, to be added to."""
    weights = np.ones((64, 10), np.float32)
    return (
        [
            helper.make_node("Flatten", ["x"], ["flat"]),
            helper.make_node("MatMul", ["flat", "w"], ["scores"]),
        ],
        (onnx.numpy_helper.from_array(weights, "w"),),
    )


def _nested_functions(depth: int, fan: int) -> bytes:
    """Each function calls the one below several times: fan ** depth calls in all."""
    opset = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    functions = [
        helper.make_function(
            "own", "f0", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], opset
        )
    ]
    for level in range(1, depth + 1):
        names = ["a", *(f"t{n}" for n in range(fan - 1)), "b"]
        calls = [
            helper.make_node(f"f{level - 1}", [names[n]], [names[n + 1]], domain="own")
            for n in range(fan)
        ]
        functions.append(helper.make_function("own", f"f{level}", ["a"], ["b"], calls, opset))
    nodes, weights = _head()
    nodes.append(helper.make_node(f"f{depth}", ["scores"], ["y"], domain="own"))
    return _model(nodes, initializers=weights, functions=tuple(functions))


def _expanded(size: int, times: int) -> bytes:
    """Constants that are a few bytes in the file, and many when they are folded."""
    nodes, weights = _head()
    shape = onnx.numpy_helper.from_array(np.array([size], np.int64), "shape")
    one = onnx.numpy_helper.from_array(np.array([1], np.float32), "one")
    last = "scores"
    for number in range(times):
        nodes += [
            helper.make_node("Expand", ["one", "shape"], [f"big{number}"]),
            helper.make_node("ReduceMax", [f"big{number}"], [f"small{number}"], keepdims=0),
            helper.make_node("Add", [last, f"small{number}"], [f"sum{number}"]),
        ]
        last = f"sum{number}"
    nodes.append(helper.make_node("Identity", [last], ["y"]))
    return _model(nodes, initializers=(*weights, shape, one))


def _filled(*dims: int) -> bytes:
    nodes, weights = _head()
    shape = onnx.numpy_helper.from_array(np.array(dims, np.int64), "shape")
    nodes += [
        helper.make_node("ConstantOfShape", ["shape"], ["big"]),
        helper.make_node("ReduceSum", ["big"], ["small"], keepdims=0),
        helper.make_node("Add", ["scores", "small"], ["y"]),
    ]
    return _model(nodes, initializers=(*weights, shape))


def _by_shape_only(dims: tuple[int, ...], kind: int, raw: bytes | None = None) -> bytes:
    nodes, weights = _head()
    tensor = TensorProto(name="big", data_type=kind, dims=dims)
    if raw is not None:
        tensor.raw_data = raw
    nodes.append(helper.make_node("Add", ["scores", "big"], ["y"]))
    return _model(nodes, initializers=(*weights, tensor))


def _looping(trips: int) -> bytes:
    nodes, weights = _head()
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Relu", ["state"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
        ],
    )
    count = onnx.numpy_helper.from_array(np.array(trips, np.int64), "count")
    go = onnx.numpy_helper.from_array(np.array(True), "yes")
    nodes.append(helper.make_node("Loop", ["count", "yes", "scores"], ["y"], body=body))
    return _model(nodes, initializers=(*weights, count, go))


def _nested_ifs(depth: int) -> bytes:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["scores"], ["o0"])],
        "g0",
        [],
        [helper.make_tensor_value_info("o0", TensorProto.FLOAT, None)],
    )
    for level in range(1, depth + 1):
        node = helper.make_node("If", ["yes"], [f"o{level}"], then_branch=graph, else_branch=graph)
        value = helper.make_tensor_value_info(f"o{level}", TensorProto.FLOAT, None)
        graph = helper.make_graph([node], f"g{level}", [], [value])
    nodes, weights = _head()
    yes = onnx.numpy_helper.from_array(np.array(True), "yes")
    nodes.append(helper.make_node("If", ["yes"], ["y"], then_branch=graph, else_branch=graph))
    return _model(nodes, initializers=(*weights, yes))


def _many_nodes(count: int) -> bytes:
    nodes, weights = _head()
    last = "scores"
    for number in range(count):
        nodes.append(helper.make_node("Relu", [last], [f"n{number}"]))
        last = f"n{number}"
    nodes.append(helper.make_node("Identity", [last], ["y"]))
    return _model(nodes, initializers=weights)


def _wide_conv(kernel: int, channels: int) -> bytes:
    """A convolution whose work, and not whose weights, is large."""
    weights = onnx.numpy_helper.from_array(np.zeros((channels, 1, 1, 1), np.float32), "k")
    pads = [kernel] * 4
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], pads=pads),
        helper.make_node("ReduceMean", ["c"], ["m"], keepdims=0, axes=[2, 3]),
        helper.make_node("Slice", ["m", "zero", "ten", "one"], ["y"]),
    ]
    rest = [
        onnx.numpy_helper.from_array(np.array([value], np.int64), name)
        for name, value in (("zero", 0), ("ten", 10), ("one", 1))
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 10])],
        [weights, *rest],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=_IR
    ).SerializeToString()


def _external(location: str, **more: str) -> bytes:
    tensor = TensorProto(name="big", data_type=TensorProto.FLOAT, dims=[10])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        tensor.external_data.add(key=key, value=value)
    nodes, weights = _head()
    nodes.append(helper.make_node("Add", ["scores", "big"], ["y"]))
    return _model(nodes, initializers=(*weights, tensor))


def _cycle() -> bytes:
    nodes, weights = _head()
    nodes += [
        helper.make_node("Add", ["scores", "b"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Identity", ["b"], ["y"]),
    ]
    return _model(nodes, initializers=weights)


def _odd_node(operation: str, **attributes: object) -> bytes:
    nodes, weights = _head()
    nodes.append(helper.make_node(operation, ["scores"], ["y"], **attributes))
    return _model(nodes, initializers=weights)


def _graphs() -> Iterator[Hostile]:
    def graph(name: str, make: Callable[[], bytes], **others: bytes | str) -> Hostile:
        return Hostile(f"onnx: {name}", "net.onnx", "model", make, others)

    for depth, fan in (
        (5, 2),
        (8, 4),
        (12, 3),
        (16, 2),
        (20, 2),
        (24, 2),
        (30, 2),
        (60, 2),
        (8, 9),
    ):
        yield graph(f"functions {fan}^{depth}", lambda d=depth, f=fan: _nested_functions(d, f))
    for size, times in ((1 << 20, 1), (1 << 27, 1), (1 << 28, 1), (1 << 27, 12), (1 << 28, 40)):
        yield graph(f"expand {size} x {times}", lambda s=size, t=times: _expanded(s, t))
    for dims in (
        (1 << 28,),
        (1 << 30,),
        (1 << 40,),
        (1 << 62,),
        (-5,),
        (1 << 14,) * 4,
        (1 << 27, 2),
    ):
        yield graph(f"constant of shape {dims}", lambda d=dims: _filled(*d))
    for dims in ((1 << 40,), (1 << 62, 1 << 62), (-1, 10), (0, 1 << 60), (1,) * 5000, (1 << 28,)):
        for kind in (TensorProto.FLOAT, TensorProto.INT4, TensorProto.STRING, 99):
            yield graph(
                f"by shape only {str(dims)[:40]} of type {kind}",
                lambda d=dims, k=kind: _by_shape_only(d, k),
            )
    yield graph("raw data too short", lambda: _by_shape_only((10,), TensorProto.FLOAT, b"abc"))
    yield graph(
        "not a number",
        lambda: _by_shape_only((10,), TensorProto.FLOAT, np.full(10, np.nan, "<f4").tobytes()),
    )
    for trips in (10, 1 << 20, 1 << 62):
        yield graph(f"loop of {trips}", lambda t=trips: _looping(t))
    for depth in (3, 10, 14):
        yield graph(f"ifs {depth} deep", lambda d=depth: _nested_ifs(d))
    for count in (1000, 20_000, 100_000):
        yield graph(f"{count} nodes", lambda c=count: _many_nodes(c))
    for kernel, channels in ((100, 64), (2000, 16), (4000, 4096)):
        yield graph(f"convolution {kernel}", lambda k=kernel, c=channels: _wide_conv(k, c))
    yield graph("cycle", _cycle)
    for operation in ("", "Nothing", "RandomNormalLike", "x" * 1_000_000, "Sequence\nAt"):
        yield graph(f"operation {operation[:20]!r}", lambda o=operation: _odd_node(o))
    yield graph("attribute of 30 MB", lambda: _odd_node("Relu", text="x" * 30_000_000))
    for location in (
        *("/etc/passwd", "../../etc/passwd", "..\\..\\windows", "C:\\Windows\\win.ini", "", "."),
        *("//server/share", "w.bin/../../x", "file:///etc/passwd", "a\0b", "w" * 5000, "net.onnx"),
    ):
        yield graph(f"weights in {location[:30]!r}", lambda w=location: _external(w))
    yield graph(
        "weights behind a link", lambda: _external("link.bin"), **{"link.bin": "/etc/passwd"}
    )
    yield graph("weights below a link", lambda: _external("d/passwd"), **{"d": "/etc"})
    yield graph("weights in a device", lambda: _external("zero"), **{"zero": "/dev/zero"})
    for offset, length in (("-5", "40"), ("0", str(1 << 62)), ("x", "y"), (str(1 << 62), "40")):
        yield graph(
            f"weights at {offset}, {length}",
            lambda o=offset, n=length: _external("w.bin", offset=o, length=n),
            **{"w.bin": bytes(40)},
        )
    for name, text in _xml().items():
        yield Hostile(f"ir: {name}", "net.xml", "model", text, {"net.bin": bytes(64)})


def _xml() -> dict[str, Callable[[], bytes]]:
    laughs = "".join(
        f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "ha">' for n in range(12)
    )
    data = '<data element_type="f32" shape="{1}" {2}/>'
    const = f'<layer id="{{0}}" type="Const" name="c{{0}}">{data}</layer>'

    def net(inner: str) -> bytes:
        return f'<net name="n" version="11"><layers>{inner}</layers><edges/></net>'.encode()

    return {
        "billion laughs": lambda: f"<!DOCTYPE n [{laughs}]><net>&l11;</net>".encode(),
        "billion laughs, UTF-16": lambda: f"<!DOCTYPE n [{laughs}]><net>&l11;</net>".encode(
            "utf-16"
        ),
        "a file of the server": lambda: (
            b'<!DOCTYPE n [<!ENTITY f SYSTEM "file:///etc/passwd">]><net>&f;</net>'
        ),
        "deep": lambda: b"<net>" + b"<a>" * _DEEP + b"</a>" * _DEEP + b"</net>",
        "deep, no end": lambda: b"<net>" * 1_000_000,
        "many layers": lambda: net('<layer id="1" type="Relu"/>' * 300_000),
        "giant shape": lambda: net(const.format(0, f"{1 << 62},4", 'offset="0" size="64"')),
        "beyond the end": lambda: net(const.format(0, "16", f'offset="{1 << 60}" size="64"')),
        "negative": lambda: net(const.format(0, "-16", 'offset="-5" size="64"')),
        "no numbers": lambda: net(const.format(0, "a,b", 'offset="x" size="y"')),
        "overlapping": lambda: net(
            "".join(const.format(n, "16", 'offset="0" size="64"') for n in range(100_000))
        ),
        "long attribute": lambda: net(f'<layer id="1" type="{"x" * 20_000_000}"/>'),
        "digits of a bomb": lambda: net(const.format(0, "9" * 5_000_000, 'offset="0" size="64"')),
    }


# Weights.


class _Runs:
    """Writes a file if it is ever unpickled."""

    def __reduce__(self) -> tuple:
        return (open, ("irs-hostile-ran", "w"))


def _zipped(entries: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _weights() -> Iterator[Hostile]:
    def header(text: bytes, rest: bytes = b"", length: int | None = None) -> bytes:
        return struct.pack("<Q", len(text) if length is None else length) + text + rest

    def tensor(shape: list, start: int, end: int) -> dict[str, object]:
        return {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}

    def of(found: object, rest: bytes = bytes(64)) -> bytes:
        return header(json.dumps(found).encode(), rest)

    heads: dict[str, bytes] = {
        "length of 2^63": header(b"{", length=1 << 63),
        "length of 2^31": header(b'{"a":', length=1 << 31),
        "deep header": header(b'{"a":' + b"[" * _DEEP),
        "giant shape": of({"w": tensor([1 << 40, 1 << 40], 0, 64)}),
        "negative shape": of({"w": tensor([-4, -4], 0, 64)}),
        "offsets backwards": of({"w": tensor([4, 4], 64, 0)}),
        "offsets far away": of({"w": tensor([4, 4], 1 << 50, (1 << 50) + 64)}),
        "overlapping": of({f"w{n}": tensor([4, 4], 0, 64) for n in range(50_000)}),
        "metadata of 20 MB": of({"__metadata__": {"arch": "x" * 20_000_000}}),
        "deep metadata": of({"__metadata__": {"arch": "[" * _DEEP}}),
        "classes of a bomb": of(
            {"__metadata__": {"arch": '"digits_resnet"', "num_classes": "1" * 5000}}
        ),
        "integer network": of(
            {"__metadata__": {"arch": '"integer"', "structure": '{"layers": [{}], "scale": 1}'}}
        ),
        "architecture by path": of({"__metadata__": {"arch": '"../../etc/passwd"'}}),
        "numbers in metadata": of({"__metadata__": {"mean": "[1e999]", "arch": '"digits_resnet"'}}),
    }
    for name, content in heads.items():
        yield _plain(f"safetensors: {name}", "w.safetensors", "model", content)
    run, deep = pickle.dumps(_Runs()), b"\x80\x02" + b"(" * _DEEP + b"."
    laughs = (
        b"\x80\x02]q\x00"
        + b"".join(
            b"]q" + bytes([n + 1]) + b"(" + b"h" + bytes([n]) + b"h" + bytes([n]) + b"e"
            for n in range(60)
        )
        + b"."
    )
    pickles = {
        "runs code": run,
        "deep": deep,
        "billion laughs": laughs,
        "giant long": b"\x80\x02\x8b\xff\xff\xff\x7f" + bytes(100) + b".",
        "giant text": b"\x80\x04\x8d" + struct.pack("<Q", 1 << 50) + b".",
        "giant memo": b"\x80\x02Nr\xff\xff\xff\x7f.",
        "system": b"cos\nsystem\n(S'touch irs-hostile-ran'\ntR.",
        "builtins": b"c__builtin__\neval\n(S'1'\ntR.",
        "empty": b"",
        "endless": b"\x80\x02" + b"0" * 100_000,
    }
    for name, content in pickles.items():
        yield _plain(f"pt: {name}", "w.pt", "model", content)
        yield _plain(f"pth: {name}, zipped", "w.pth", "model", _zipped({"a/data.pkl": content}))
        yield Hostile(f"cifar10: {name}", "test_batch", "cifar10:1", lambda c=content: c, {})
    yield _lazy("pt: packed", "w.pt", "model", lambda: _zeros({"a/data.pkl": 200_000_000}))
    yield _plain("pt: links", "w.pt", "model", _linked({"a/data.pkl": "/etc/passwd"}))
    for head in (b"\x89HDF\r\n", b"\0\0\0\0TFL3", b"GGUF\3", b"\x93NUMPY", b"PK\3\4", b"\x1f\x8b"):
        yield _plain(f"other weights: {head!r}", "w.pth", "model", head + bytes(200))


# Arrays.


def _npy(shape: str, kind: str = "|u1", content: bytes = bytes(64), order: str = "False") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text + content


def _npz(images: bytes, labels: bytes | None = None, method: int = zipfile.ZIP_STORED) -> bytes:
    labels = _npy("(1,)", "<i8", bytes(8)) if labels is None else labels
    return _zipped({"images.npy": images, "labels.npy": labels}, method)


def _zeros(entries: Mapping[str, int], head: bytes = b"") -> bytes:
    """A zip of files of many zeros, made without holding them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, size in entries.items():
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(head)
                for _ in range(size // 10_000_000):
                    file.write(bytes(10_000_000))
    return buffer.getvalue()


def _linked(entries: Mapping[str, str]) -> bytes:
    """A zip whose entries are symbolic links."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, target in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, target)
    return buffer.getvalue()


def _arrays() -> Iterator[Hostile]:
    shapes = (
        *(
            "(1, 8, 8)",
            f"({1 << 62},)",
            f"({1 << 40}, 8, 8)",
            "(-1, 8, 8)",
            f"({1 << 32}, {1 << 32})",
        ),
        *("(0, 8, 8)", f"(0, {1 << 62})", "(1,) * 10", "()", "(1, 8, 8, 8, 8)", "8", "('a',)"),
        *(
            f"({'1, ' * 5000})",
            "(" * 3000 + ")" * 3000,
            "(True, 8, 8)",
            "(1.0, 8, 8)",
            f"({'9' * 6000},)",
        ),
    )
    for shape in shapes:
        name = shape if len(shape) < 40 else f"{shape[:20]}... of {len(shape)}"
        yield _plain(f"npz: shape {name}", "a.npz", "data", _npz(_npy(shape)))
    for kind in (
        "|O",
        "<U1000000",
        "|V1000000000",
        "<f4",
        "|b1",
        "<M8[ns]",
        "nonsense",
        "<f16",
        "|S0",
    ):
        yield _plain(f"npz: type {kind}", "a.npz", "data", _npz(_npy("(1, 8, 8)", kind)))
    yield _plain("npz: code in its head", "a.npz", "data", _npz(_npy("__import__('os').getcwd()")))
    yield _plain(
        "npz: head of 4 GB", "a.npz", "data", _npz(b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(9))
    )
    yield _plain("npz: version 9", "a.npz", "data", _npz(b"\x93NUMPY\x09\x00" + bytes(90)))
    yield _plain(
        "npz: labels of objects", "a.npz", "data", _npz(_npy("(1, 8, 8)"), _npy("(1,)", "|O"))
    )
    yield _plain(
        "npz: labels of 2^62",
        "a.npz",
        "data",
        _npz(_npy("(1, 8, 8)"), _npy("(1,)", "<i8", struct.pack("<q", 1 << 62))),
    )
    yield _lazy(
        "npz: 900 MB of zeros",
        "a.npz",
        "data",
        lambda: _zeros({"images.npy": _ZEROS}, _npy(f"({_ZEROS // 64}, 8, 8)", content=b"")),
    )
    yield _lazy(
        "npz: floats of 1.8 GB",
        "a.npz",
        "data",
        lambda: _zeros(
            {"images.npy": 2 * _ZEROS, "labels.npy": 0},
            _npy(f"({2 * _ZEROS // 256}, 8, 8)", "<f4", content=b""),
        ),
    )
    yield _lazy(
        "npz: 100,000 entries",
        "a.npz",
        "data",
        lambda: _zipped({f"{n}.npy": b"" for n in range(100_000)}),
    )
    yield _plain(
        "npz: links",
        "a.npz",
        "data",
        _linked({"images.npy": "/etc/passwd", "labels.npy": "/etc/passwd"}),
    )
    yield _plain(
        "npz: paths", "a.npz", "data", _zipped({"../../images.npy": b"", "C:\\a.npy": b""})
    )
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        yield _plain(
            f"npz: method {method}", "a.npz", "data", _npz(_npy("(1, 8, 8)"), None, method)
        )
    for name, shape, rest in (
        ("giant", (1 << 31, 4, 4), b""),
        ("wraps", (1 << 31, 1 << 31, 4), b""),
        ("empty", (0, 4, 4), b""),
        ("short", (3, 4, 4), b"abc"),
        ("too long", (1, 4, 4), bytes(100)),
    ):
        head = struct.pack(">IIII", 2051, *shape) + rest
        labels = {"t10k-labels-idx1-ubyte": struct.pack(">II", 2049, shape[0]) + bytes(3)}
        yield Hostile(
            f"mnist: {name}",
            "t10k-images-idx3-ubyte",
            "mnist:1",
            lambda h=head: h,
            labels,
        )
    yield Hostile(
        "mnist: gzip bomb",
        "t10k-images-idx3-ubyte.gz",
        "mnist:1",
        lambda: gzip.compress(struct.pack(">IIII", 2051, 400_000, 28, 28) + bytes(400_000_000)),
        {},
    )


# Images.


def _png(
    width: int,
    height: int,
    *chunks: tuple[bytes, bytes],
    rows: bytes = b"",
    depth: int = 8,
    colour: int = 2,
) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    packed = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, content) for kind, content in packed)


def _images() -> Iterator[Hostile]:
    def image(name: str, end: str, make: Callable[[], bytes]) -> Hostile:
        send = "image-folder:3"
        return Hostile(f"image: {name}", f"test/cat/a.{end}", send, make, {})

    for side in (1000, 9000, 13_000, 20_000, 60_000, 1 << 31):
        yield image(f"PNG of {side} pixels", "png", lambda s=side: _png(s, s))
    yield image(
        "PNG that unpacks",
        "png",
        lambda: _png(13_000, 13_000, rows=bytes(13_001 * 13_000), colour=0),
    )
    yield image(
        "PNG of 16 bits that unpacks",
        "png",
        lambda: _png(9000, 9000, rows=bytes((6 * 9000 + 1) * 9000), depth=16),
    )
    texts = zlib.compress(bytes(400_000_000))
    yield image(
        "PNG with a text of 400 MB",
        "png",
        lambda: _png(4, 4, (b"zTXt", b"a\0\0" + texts), rows=bytes(52)),
    )
    yield image(
        "PNG with a profile of 400 MB",
        "png",
        lambda: _png(4, 4, (b"iCCP", b"a\0\0" + texts), rows=bytes(52)),
    )
    yield image(
        "PNG with 50,000 chunks",
        "png",
        lambda: _png(4, 4, *[(b"tEXt", b"k\0v")] * 50_000, rows=bytes(52)),
    )
    heads = {
        "BMP of 2^31 pixels": (
            "bmp",
            b"BM"
            + struct.pack("<IHHI", 100, 0, 0, 54)
            + struct.pack("<IiiHHIIiiII", 40, 60_000, 30_000, 1, 24, 0, 0, 0, 0, 0, 0),
        ),
        "PPM of 2^31 pixels": ("ppm", b"P6\n60000 60000\n255\n" + bytes(100)),
        "PPM of digits": ("ppm", b"P6\n" + b"9" * 1_000_000 + b" 4\n255\n"),
        "PGM of 32 bits": ("pgm", b"P5\n4 4\n4294967295\n" + bytes(64)),
        "TIFF that points at itself": (
            "tif",
            b"II*\0\x08\0\0\0\x01\0\0\1\4\0\1\0\0\0\x08\0\0\0\x08\0\0\0",
        ),
        "TIFF of 2^32 entries": ("tiff", b"II*\0\x08\0\0\0\xff\xff" + bytes(40)),
        "TIFF far away": ("tif", b"II*\0\xff\xff\xff\xff" + bytes(40)),
        "JPEG of 65,500 pixels": (
            "jpg",
            b"\xff\xd8\xff\xc0\0\x11\x08\xff\xdc\xff\xdc\3\1\x11\0\2\x11\0\3\x11\0\xff\xd9",
        ),
        "WEBP": ("webp", b"RIFF\xff\xff\xff\x7fWEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff"),
        "GIF by another name": ("png", b"GIF89a\xff\xff\xff\xff\xf7\0\0" + bytes(900)),
        "EPS by another name": (
            "png",
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
        ),
        "PSD by another name": (
            "png",
            b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 300_000, 300_000, 8, 3),
        ),
        "nothing": ("png", b""),
    }
    for name, (end, content) in heads.items():
        yield image(name, end, lambda c=content: c)
    for name, target in (("passwd", "/etc/passwd"), ("zero", "/dev/zero"), ("itself", "a.png")):
        yield Hostile(
            f"image: link to {name}",
            "test/cat/b.png",
            "image-folder:3",
            lambda: _png(4, 4, rows=bytes(52)),
            {"test/cat/a.png": target},
        )
    yield Hostile(
        "image: folder is a link",
        "test/dog/b.png",
        "image-folder:3",
        lambda: _png(4, 4, rows=bytes(52)),
        {"test/cat": "/etc"},
    )


# Tables.


def _parquet(columns: Callable[[], dict]) -> Callable[[], bytes]:
    def make() -> bytes:
        import pyarrow as pa
        import pyarrow.parquet as pq

        buffer = io.BytesIO()
        pq.write_table(pa.table(columns()), buffer, compression="zstd")
        return buffer.getvalue()

    return make


def _tables() -> Iterator[Hostile]:
    def table(name: str, make: Callable[[], bytes]) -> Hostile:
        return _lazy(f"parquet: {name}", "t.parquet", "parquet:0", make)

    sound = _parquet(lambda: {"image": [_png(4, 4, rows=bytes(52))] * 3, "label": [0, 1, 0]})
    yield table(
        "20 million equal rows",
        _parquet(
            lambda: {
                "image": np.zeros(20_000_000, np.int64),
                "label": np.zeros(20_000_000, np.int64),
            }
        ),
    )
    yield table(
        "1 GB of one text",
        _parquet(lambda: {"image": ["x" * 10_000_000] * 100, "label": [0] * 100}),
    )
    yield table(
        "paths", _parquet(lambda: {"image": [{"path": "/etc/passwd", "bytes": None}], "label": [0]})
    )
    yield table("labels of 2^62", _parquet(lambda: {"image": [b"x"], "label": [1 << 62]}))
    yield table("labels that lack", _parquet(lambda: {"image": [b"x"] * 2, "label": [None, 1]}))
    yield table(
        "bombs as images", _parquet(lambda: {"image": [_png(20_000, 20_000)], "label": [0]})
    )
    yield table("deep", _parquet(lambda: {"image": [_nested(90)], "label": [0]}))
    yield table("many columns", _parquet(lambda: {f"c{n}": [1] for n in range(5000)}))
    yield table("no end", lambda: sound()[:-8])
    yield table("length of 2^31", lambda: sound()[:-8] + b"\xff\xff\xff\x7fPAR1")
    yield table("only its marks", lambda: b"PAR1PAR1")
    for seed in range(12):
        yield table(f"damage {seed}", lambda s=seed: damaged(sound(), s))


def _nested(depth: int) -> object:
    value: object = b"x"
    for _ in range(depth):
        value = [value]
    return value


# Bundles.


def _bundle(edit: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    return _zipped({"bundle.json": b"{}", "study.json": b"{}", **edit}, method)


def _bundles() -> Iterator[Hostile]:
    def bundle(name: str, make: Callable[[], bytes]) -> Hostile:
        return _lazy(f"bundle: {name}", "s.irs.zip", "bundle", make)

    array = "evidence/0123456789abcdef"
    for place in (
        f"{array}/c/0/0",
        f"{array}/d/0/0",
        f"{array}/zarr.json",
        f"{array}/journal.jsonl",
        "study.json",
        "bundle.json",
    ):
        yield bundle(f"900 MB of zeros in {place}", lambda p=place: _zeros({p: _ZEROS}))
    yield bundle(
        "900 MB of zeros, declared as 1,000 bytes",
        lambda: _zeros({f"{array}/c/0/0": _ZEROS}).replace(
            struct.pack("<I", _ZEROS), struct.pack("<I", 1000)
        ),
    )
    yield bundle(
        "30,000 chunks of zeros",
        lambda: _bundle({f"{array}/c/{n}/0": bytes(30_000) for n in range(30_000)}),
    )
    yield bundle(
        "250,000 files", lambda: _zipped({f"{array}/c/{n}/0": b"" for n in range(250_000)})
    )
    for name in (
        "../../outside",
        "/etc/passwd",
        "C:\\Windows\\x",
        "\\\\server\\x",
        f"{array}/run.py",
        "a\0b",
        "evidence/../study.json",
        "x" * 60_000,
        "\u202eevil",
        f"{array}/c/-1/0",
    ):
        yield bundle(f"a file named {name[:30]!r}", lambda n=name: _bundle({n: b"x"}))
    yield bundle(
        "links", lambda: _linked({"bundle.json": "/etc/passwd", "study.json": "/etc/passwd"})
    )
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        yield bundle(f"method {method}", lambda m=method: _bundle({}, m))
    texts = {
        "deep": b"[" * _DEEP,
        "deep objects": b'{"a":' * _DEEP,
        "digits": b"9" * 30_000_000,
        "no number": b"NaN",
        "half a text": b'"\\ud800',
        "no text": b"\xff\xfe",
        "empty": b"",
        "30 MB of text": b'"' + b"x" * 30_000_000 + b'"',
        "many keys": json.dumps({str(n): n for n in range(500_000)}).encode(),
    }
    for name, content in texts.items():
        for place in ("study.json", "bundle.json"):
            yield bundle(f"{place} is {name}", lambda p=place, c=content: _bundle({p: c}))
    yield bundle("a bundle in a bundle", lambda: _bundle({"study.json": _bundle({})}))
    yield bundle("no zip", lambda: b"PK\5\6" + b"\xff" * 18)
    yield bundle("zip of zips to come", lambda: b"PK\3\4" * 1_000_000)


# Texts.


def _texts() -> Iterator[Hostile]:
    def rows(*lines: str, head: str = HEADER) -> bytes:
        return ("\n".join((head, *lines)) + "\n").encode()

    results = {
        "gzip bomb": gzip.compress(bytes(300_000_000)),
        "gzip of gzips": gzip.compress(gzip.compress(rows("0\t0\t0\t1\t1\t1"))),
        "one line of 30 MB": rows("x" * 30_000_000),
        "a million columns": rows("\t".join("1" * 1_000_000)),
        "digits": rows(f"{'9' * 1_000_000}\t0\t0\t1\t1\t1"),
        "600,000 rows": rows(*(f"{n}\t0\t0\t1\t1\t1" for n in range(600_000))),
        "not a number": rows("0\t0\t0\tnan\t1\t1"),
        "infinite": rows("0\t0\t0\tinf\t1\tinf"),
        "negative": rows("-1\t0\t0\t1\t1\t1"),
        "twice": rows("0\t0\t0\t1\t1\t1", "0\t0\t0\t1\t1\t1"),
        "time of digits": rows(f"0\t0\t0\t1\t1\t{'1:' * 100_000}"),
        "formula": rows("=HYPERLINK(1)\t0\t0\t1\t1\t1"),
        "only NUL": bytes(1_000_000),
        "UTF-16 without end": b"\xff\xfe" + b"a" * 999_999,
        "origin with marks": rows("0\t0\t0\t1\t1\t1\ta\x1b[31m", head=f"{HEADER}\torigin"),
    }
    for name, content in results.items():
        yield _plain(f"results: {name}", "r.tsv", "results", content)
    lists = {
        "deep": b"[" * _DEEP,
        "deep objects": b'{"classes":' * _DEEP,
        "9 MB": b"a\n" * 4_600_000,
        "70,000 classes": b"\n".join(b"c%d" % n for n in range(70_000)),
        "giant number": b'{"' + b"9" * 100_000 + b'": "a"}',
        "control": b"a\x1b[31m\nb\n",
        "objects": b'[{"a": 1}, {"b": 2}]',
        "no text": b"\xff\xfe\xfd",
        "numbers": b"[1, 2]",
        "spaces": b" " * 5_000_000 + b"1",
        "many empty": b"[" + b'"",' * 60_000 + b'""]',
    }
    for name, content in lists.items():
        yield Hostile(
            f"class list: {name}",
            "classes.txt",
            "classes",
            lambda c=content: c,
            {"test/cat/a.png": _png(4, 4, rows=bytes(52))},
        )
    laughs = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    studies = {
        "billion laughs": laughs.encode(),
        "deep": b"[" * 5000,
        "deep maps": b"{a: " * 3000,
        "python": b"!!python/object/apply:os.system ['touch irs-hostile-ran']\n",
        "anchors": b"&a [*a]\n",
        "many keys": b"".join(b"k%d: 1\n" % n for n in range(20_000)),
        "merge": b"a: &a {<<: *a}\n",
        "binary": b"\0\1\2",
        "digits": b"n: " + b"9" * 100_000,
        "long text": b"name: " + b"x" * 3_000_000,
        "documents": b"---\na\n" * 10_000,
    }
    for name, content in studies.items():
        yield _plain(f"study file: {name}", "s.yaml", "study", content)


# Damage to sound files.

_SENT: Mapping[str, str] = {
    **dict.fromkeys(
        ("safetensors", "pt", "old pt", "wrapped pt", "scripted", "integer", "onnx", "ir graph"),
        "model",
    ),
    "npz": "data",
    "cifar10": "cifar10:1",
    "mnist": "mnist:1",
    "tsv": "results",
    "bundle": "bundle",
}


def _damaged(kinds: Mapping[str, Kind]) -> Iterator[Hostile]:
    for name, send in _SENT.items():
        kind = kinds[name]
        sound = Hostile(name, kind.name, send, lambda: b"", kind.others)
        for seed in _DAMAGE_SEEDS:
            yield replace(
                sound,
                name=f"{name}: damage {seed}",
                make=lambda k=kind, s=seed: damaged(k.content, s),
            )
        for share in _CUTS:
            yield replace(
                sound,
                name=f"{name}: cut at {share}",
                make=lambda k=kind, s=share: k.content[: int(s * len(k.content))],
            )
