"""What a graph file computes in, by name."""

from dataclasses import dataclass

_WORDS = {
    "FLOAT": "fp32",
    "FLOAT16": "fp16",
    "BFLOAT16": "bf16",
    "DOUBLE": "fp64",
    "F32": "fp32",
    "F16": "fp16",
    "BF16": "bf16",
    "F64": "fp64",
    "I8": "int8",
    "U8": "int8",
    "I16": "int16",
    "U16": "int16",
    "I4": "int4",
    "U4": "int4",
    "NF4": "nf4",
}


def word_of(kind: str) -> str:
    """The usual word for an element type as ONNX or OpenVINO names it, e.g. int8 for UINT8."""
    upper = kind.upper()
    # Signed or not, what is said is how many bits there are.
    short = upper.replace("UINT", "U").replace("INT", "I")
    return _WORDS.get(upper) or _WORDS.get(short) or upper.lower()


@dataclass(frozen=True)
class Precision:
    """Element types of a network; floats are those of most of its numbers.

    Args:
        weights: Of most weights: fp32, fp16, bf16, fp64, int8, int4, ...
        activations: What values between layers are quantised to; empty where they stay floats.
        computes: The floating-point type of the layers.
    """

    weights: str = "fp32"
    activations: str = ""
    computes: str = "fp32"

    @property
    def quantised(self) -> bool:
        """Values between layers are integers, at least in part."""
        return bool(self.activations)

    @property
    def name(self) -> str:
        """In a few words, for people."""
        return self._named(self.computes)

    def on_openvino(self) -> str:
        """What OpenVINO makes of it on a CPU: floats of 16 bits are computed with in 32."""
        if self.computes == "fp32":
            return self.name
        return self._named("fp32") if self.activations else f"fp32 ({self.computes} file)"

    def _named(self, computes: str) -> str:
        if self.activations:
            if self.activations == self.weights:
                return self.weights
            return f"{self.activations} activations, {self.weights} weights"
        return computes if self.weights == computes else f"{computes} ({self.weights} weights)"


def most(counts: dict[str, int]) -> str:
    """The word for the element type of most weights; fp32 where there are none."""
    sums: dict[str, int] = {}
    for kind, count in counts.items():
        word = word_of(kind)
        sums[word] = sums.get(word, 0) + count
    return max(sums, key=lambda word: sums[word], default="fp32")
