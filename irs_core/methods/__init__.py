"""Certification methods: a registry with one module per method.

A module of this folder that defines `METHOD` adds a method. Nothing else names one: the command
line, pages, tables, figures, reports and speedups loop over what is registered here.
"""

from importlib import import_module

from irs_core.errors import UnknownKeyError
from irs_core.methods.kit.method import Branches, MethodDef, Style
from irs_core.spec.study import METHOD_NAMES, Stream, StudySpec

__all__ = [
    "COMPRESSED_STREAMS",
    "Branches",
    "MethodDef",
    "Style",
    "accelerated",
    "asked",
    "baseline",
    "by_standing",
    "compressed_streams",
    "every",
    "get",
    "names",
    "register",
    "stream_draws",
]

# Streams that every study keeps of a compressed classifier.
COMPRESSED_STREAMS: tuple[Stream, ...] = ("estimate", "scratch-select", "scratch-estimate")
_KNOWN: dict[str, MethodDef] = {}


def register(method: MethodDef) -> None:
    """Add a method.

    Raises:
        UnknownKeyError: Its name, its place or its style is taken.
    """
    for other in _KNOWN.values():
        if method.name == other.name or method.order == other.order or method.style == other.style:
            raise UnknownKeyError(
                f"a method needs a name, an order and a style of its own; {method.name} and "
                f"{other.name} share one"
            )
    _KNOWN[method.name] = method


def get(name: str) -> MethodDef:
    """The method of a name.

    Raises:
        UnknownKeyError: There is none.
    """
    if name not in _KNOWN:
        raise UnknownKeyError(f"a method must be one of {', '.join(names())}; got {name!r}")
    return _KNOWN[name]


def every() -> tuple[MethodDef, ...]:
    """All methods, in the order in which they are listed."""
    return tuple(sorted(_KNOWN.values(), key=lambda one: one.order))


def names() -> tuple[str, ...]:
    """The names of all methods, in the order in which they are listed."""
    return tuple(one.name for one in every())


def baseline() -> MethodDef:
    """The method that others are compared with."""
    return next(one for one in every() if one.baseline)


def accelerated() -> tuple[MethodDef, ...]:
    """The methods that a study asks for by name."""
    return tuple(one for one in every() if not one.baseline)


def by_standing() -> tuple[MethodDef, ...]:
    """All methods, the one that is quoted first where several certified a model in front."""
    return tuple(sorted(_KNOWN.values(), key=lambda one: one.standing))


def asked(spec: StudySpec) -> tuple[MethodDef, ...]:
    """The methods whose draws a study computes, the baseline among them where it is asked for.

    Raises:
        UnknownKeyError: It names one that there is not.
    """
    for name in spec.methods:
        get(name)
    return tuple(
        one for one in every() if one.name in spec.methods or (one.baseline and spec.baseline)
    )


def compressed_streams(spec: StudySpec) -> tuple[Stream, ...]:
    """Streams on which a study draws its compressed classifiers."""
    extra = [stream for method in asked(spec) for stream in method.extra_streams]
    return tuple(dict.fromkeys((*COMPRESSED_STREAMS, *extra)))


def stream_draws(spec: StudySpec, stream: Stream) -> int:
    """Draws per input, from the first, that a study may use of a compressed classifier.

    Its digests cover them.
    """
    if stream.endswith("estimate"):
        found = [method.reach(spec) for method in asked(spec) if method.reach is not None]
        return max([spec.n_p[-1], *found])
    if stream not in COMPRESSED_STREAMS:
        return max(method.expected(spec).get(stream, 0) for method in asked(spec))
    return spec.n0


for _name in METHOD_NAMES:
    register(import_module(f"irs_core.methods.{_name}").METHOD)
