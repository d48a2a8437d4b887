"""The one place for weights: where they lie, whether they are whole, on which device and in which dtype they run.

A bundle is one or more safetensors files of at most 10 MB in fp16 and a JSON card beside them. Nothing is unpickled.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pipelines.core.cards import BUNDLED, WeightsError, card

MAX_SHARD_BYTES = 9_900_000  # bytes of tensors a file; the header stays under the rest of 10 MB


def load_bundle(name: str, folder: Path | None = None) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a bundle in fp32 and its card, after its checksums were verified. Raises WeightsError."""
    about = card(name, folder)
    tensors: dict[str, Tensor] = {}
    for file, digest in about["files"].items():
        path = (folder or BUNDLED) / file
        try:
            if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                raise WeightsError(
                    f"The weights file {file} was altered or is incomplete (its checksum differs); restore it with "
                    "git checkout."
                )
            tensors |= load_file(path)
        except FileNotFoundError:
            raise WeightsError(f"The weights file {file} is missing; restore it with git checkout.") from None
        except SafetensorError as error:
            raise WeightsError(
                f"The weights file {file} is not a safetensors file ({error}); restore it with git checkout."
            ) from None
    return {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}, about


def load_into(model: nn.Module, tensors: dict[str, Tensor], name: str) -> nn.Module:
    """Put tensors into a model, in evaluation mode and without gradients. Raises WeightsError where shapes differ."""
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        first = str(error).strip().splitlines()[-1].strip()
        raise WeightsError(
            f"The weights '{name}' do not fit their model ({first}); restore them with git checkout."
        ) from None
    return model.eval().requires_grad_(False)


def open_bundle(name: str, build: Callable[[dict[str, Any]], nn.Module], folder: Path | None = None) -> nn.Module:
    """The model of a bundle, which `build` makes from its configuration. Raises WeightsError."""
    tensors, about = load_bundle(name, folder)
    return load_into(build(about["config"]), tensors, name)


def save(
    name: str, model: nn.Module | dict[str, Tensor], config: dict, about: dict, folder: Path | None = None
) -> Path:
    """Write a model (or some of its tensors) as fp16 safetensors, in files of at most 10 MB, with its card."""
    tensors = model.state_dict() if isinstance(model, nn.Module) else model
    folder = folder or BUNDLED
    folder.mkdir(parents=True, exist_ok=True)
    shards: list[dict[str, Tensor]] = [{}]
    room = MAX_SHARD_BYTES
    for key, value in tensors.items():
        value = (value.half() if value.is_floating_point() else value).cpu().contiguous().clone()
        if value.nbytes > room:
            shards.append({})
            room = MAX_SHARD_BYTES
        shards[-1][key] = value
        room -= value.nbytes
    for old in [*folder.glob(f"{name}.safetensors"), *folder.glob(f"{name}-[0-9].*")]:
        old.unlink()
    files = {}
    for i, shard in enumerate(shards, 1):
        file = f"{name}.safetensors" if len(shards) == 1 else f"{name}-{i}.safetensors"
        save_file(shard, folder / file, {"config": json.dumps(config)})
        files[file] = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        if len(shards) > 1:  # no file without a card beside it
            (folder / file).with_suffix(".json").write_text(
                json.dumps({"part_of": name, "sha256": files[file]}, indent=1) + "\n"
            )
    parameters = sum(value.numel() for value in tensors.values())
    path = folder / f"{name}.json"
    path.write_text(
        json.dumps(
            {"name": name, "parameters": parameters, "files": files, "config": config, **about},
            indent=1,
            ensure_ascii=False,
        )
        + "\n"
    )
    return path


def pick_device(device: str = "auto") -> str:
    """ "auto" is cuda where there is one, else cpu."""
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


def pick_dtype(dtype: str = "auto", device: str = "cpu") -> torch.dtype:
    """ "auto" is bf16 on a GPU and on a CPU that has instructions for it, else fp32: by what the machine has and not
    by a timing, so that the same settings make the same picture on another day."""
    if dtype != "auto":
        return getattr(torch, dtype)
    return torch.bfloat16 if device == "cuda" or fast_bf16() else torch.float32


def fast_bf16() -> bool:
    """Whether this CPU has bf16 instructions; without them bf16 is many times slower than fp32, not faster."""
    return torch.cpu._is_avx512_bf16_supported() if hasattr(torch.cpu, "_is_avx512_bf16_supported") else False


def mixed_precision(device: str = "cpu") -> contextlib.AbstractContextManager:
    """Matrix products in bf16, weights in fp32, where that is faster."""
    return torch.autocast(device, torch.bfloat16) if fast_bf16() or device == "cuda" else contextlib.nullcontext()


T = TypeVar("T")
_loaded: OrderedDict[Any, Any] = OrderedDict()
_lock = RLock()
MAX_CACHED = 16  # they are small; on a GPU with published checkpoints this wants to be a size instead


def cached(key: Any, build: Callable[[], T]) -> T:
    """The object under `key`, built on first use; the least recently used goes when there are more than KEEP."""
    with _lock:
        if key not in _loaded:
            with torch.inference_mode(False):  # of whoever loads it first: what is loaded may have gradients later
                _loaded[key] = build()
            while len(_loaded) > MAX_CACHED:
                _loaded.popitem(last=False)
        _loaded.move_to_end(key)
        return _loaded[key]


def unload() -> None:
    """Forget every loaded model, to free memory."""
    with _lock:
        _loaded.clear()
