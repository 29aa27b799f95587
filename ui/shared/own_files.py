"""Files of the people who use the app: uploads, and paths that the operator allows."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from irs_core.actions import require
from irs_core.actions.uploads import upload_data, upload_model
from irs_core.errors import CheckpointError, IrsError
from irs_core.foreign import asking as foreign
from irs_core.people import Action
from irs_core.server_files import (
    DATA_SUFFIX,
    DENOISER_SUFFIXES,
    MODEL_SUFFIXES,
    Upload,
    check_model_path,
    upload_limit,
)
from irs_core.spec.compression_kinds import KINDS as COMPRESSIONS
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.data_kinds import KINDS, DataKind
from irs_core.spec.outside import SHIPPED_PREFIX, is_url
from irs_core.spec.study import CHANNEL_ORDERS, ChannelOrder
from irs_core.text import markdown
from ui.shared import inventory, library, refusals, theme, who

_FILES = ("file", "file-normalized")
_ORDERS = {"rgb": "red, green, blue", "bgr": "blue, green, red"}


def pick_model(label: str, key: str) -> str:
    """The path of a model: typed, or that of an upload, which wins."""
    return _pick(
        label,
        key,
        MODEL_SUFFIXES,
        foreign.check_model_file,
        placeholder="/path/to/model.onnx",
        help="Safetensors, a PyTorch checkpoint, ONNX or OpenVINO IR (.xml), below a folder that "
        "the operator lists in IRS_MODEL_DIRS. Pickled code and programs, such as TorchScript, are "
        "never run from here.",
        more="An OpenVINO IR is two files: .xml, .bin.",
    )


def pick_denoiser(label: str, key: str) -> str:
    """The path of a denoiser: typed, or that of an upload, which wins."""
    return _pick(
        label,
        key,
        DENOISER_SUFFIXES,
        foreign.check_denoiser_file,
        placeholder="/path/to/denoiser.safetensors",
        help="Of `./irs denoiser train`, or ONNX from images to images of the same shape, below a "
        "folder that the operator lists in IRS_MODEL_DIRS.",
        more="Of ONNX with weights in a file of their own, both files.",
    )


def _pick(
    label: str,
    key: str,
    suffixes: Sequence[str],
    check: Callable[[Path], object],
    *,
    placeholder: str,
    help: str,
    more: str,
) -> str:
    path = _typed(label, key, placeholder=placeholder, help=help)
    uploaded = st.file_uploader(
        "or upload it",
        type=[suffix.removeprefix(".") for suffix in suffixes],
        accept_multiple_files=True,
        key=f"{key}_upload",
        disabled=bool(who.why_not(Action.UPLOAD)),
        help=who.why_not(Action.UPLOAD) or f"At most {theme.file_size(upload_limit())}. {more}",
    )
    if uploaded or path.strip():
        # What runs it is imported while it is read.
        foreign.warm_up()
    if not uploaded:
        return path.strip()
    return _kept(
        uploaded,
        lambda: upload_model(
            who.acting(),
            [(one.name, one.getvalue()) for one in uploaded],
            check,
        ),
    )


def pick_channel_order(key: str) -> ChannelOrder:
    """The order in which a model takes colours."""
    order: ChannelOrder = st.selectbox(
        "Order of colours",
        CHANNEL_ORDERS,
        format_func=_ORDERS.__getitem__,
        key=key,
        bind="query-params",
        help="In which the model takes them: blue first after training on images of OpenCV or "
        "Caffe. Image and noise are reversed together before the model, so radii mean the same.",
    )
    return order


def pick_data(label: str, kind: DataKind, key: str) -> str:
    """The root of a data set: typed, or of kind `npz` the path of an upload, which wins."""
    path = _typed(label, key, help=f"Expected: {KINDS[kind].where}")
    if kind != "npz":
        return path.strip()
    uploaded = st.file_uploader(
        "or upload it",
        type=DATA_SUFFIX.removeprefix("."),
        key=f"{key}_upload",
        disabled=bool(who.why_not(Action.UPLOAD)),
        help=who.why_not(Action.UPLOAD)
        or f"At most {theme.file_size(upload_limit())}. Arrays of objects are never read.",
    )
    if uploaded is None:
        return path.strip()
    name, content = uploaded.name, uploaded.getvalue()
    return _kept(
        [uploaded],
        lambda: upload_data(who.acting(), name, content, foreign.check_data_file),
    )


def _typed(label: str, key: str, **more: Any) -> str:
    """A path that somebody types who may name files of the server; empty for others."""
    barred = who.why_not(Action.READ_FILE)
    more = {**more, "help": barred or more.get("help")}
    path = st.text_input(label, key=key, persist_state="session", disabled=bool(barred), **more)
    return "" if barred else str(path)


def _kept(files: Sequence[Any], keep: Callable[[], Upload]) -> str:
    """The path of an upload, with its digest shown; empty, and the reason shown, if refused.

    A file stays in its widget while the page runs again and again; it is kept, or refused, once.
    """
    known = st.session_state.setdefault("kept_uploads", {})
    key = " ".join(one.file_id for one in files)
    refusal = f"refused-{key}"
    try:
        if refusal not in st.session_state and not (key in known and known[key].path.exists()):
            known[key] = keep()
        upload = known.get(key)
    except IrsError as error:
        st.session_state[refusal] = refusals.sentence(error)
        upload = None
    if upload is None:
        st.error(st.session_state[refusal], icon=":material/error:")
        return ""
    size = theme.file_size(upload.size_bytes)
    st.caption(f"{markdown(upload.path.name)}, {size}, SHA-256 `{upload.digest}`")
    return str(upload.path)


def allowed(weights: str) -> str:
    """The weights that a form names, if the app may read them.

    Never code: a text such as package.module:make is a path like any other here.

    Raises:
        NotAllowedError: Whoever uses the app may not name files.
        CheckpointError: It may not.
        ServerError: It is a model behind a server that the operator does not list.
    """
    if not weights:
        raise CheckpointError("no model is given: type the path of its file, or upload it")
    if weights.startswith(SHIPPED_PREFIX):
        return weights
    require(who.acting(), Action.READ_FILE, weights)
    if is_url(weights):
        return inventory.served_model(weights)
    return str(check_model_path(weights, library.store_root()))


def pick_compressed(key: str) -> list[str]:
    """Compressed models that are files: texts of the form file:PATH."""
    with st.expander("Compressed models of your own (files)", icon=":material/upload_file:"):
        path = pick_model("ONNX, OpenVINO IR, or weights of the original's architecture", key)
        first = st.toggle(
            "It expects normalised images",
            key=f"{key}_normalised",
            persist_state="session",
            help="Then the original's normalisation comes before it.",
        )
    return [f"{_FILES[first]}:{path}"] if path else []


def described(text: str) -> str:
    """A compression's full text: of a file with its digest, if the app may read it.

    Raises:
        IrsError: It may not, or the file cannot be used.
    """
    kind, _, path = text.partition(":")
    if kind in COMPRESSIONS:
        return text
    if kind not in _FILES:
        if not path:
            # A word that names no compression: this says which there are.
            parse_compression(text)
        raise CheckpointError(f"the app runs files and kinds of compressions; got {text!r:.80}")
    if is_url(path):
        return allowed(path)
    return str(inventory.file_compression(f"{kind}:{allowed(path.partition('#')[0])}"))


def clone_texts(texts: list[str]) -> dict[str, object]:
    """Session values for `pick_compressed`, from the compressions of a study."""
    files = [text for text in texts if text.partition(":")[0] in _FILES]
    if not files:
        return {}
    kind, _, path = files[0].partition(":")
    return {
        "form_compressed": str(Path(path.rpartition("#")[0])),
        "form_compressed_normalised": kind == _FILES[1],
    }
