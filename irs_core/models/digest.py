"""What tells networks apart."""

import hashlib
import json

import torch
from torch import Tensor, nn


def state_digest(network: nn.Module, head: str = "") -> str:
    """SHA-256 (hexadecimal) of `head` and of every tensor in a network's state."""
    digest = hashlib.sha256(head.encode())
    for name, value in sorted(network.state_dict().items()):
        if not isinstance(value, Tensor):
            continue
        value = value.dequantize() if value.is_quantized else value
        tensor = value.detach().cpu().contiguous()
        described = [name, str(tensor.dtype).removeprefix("torch."), list(tensor.shape)]
        digest.update(json.dumps(described).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
