"""The one training loop: EMA, checkpoints, exact resume, a log line and a contact sheet at intervals, a graceful end.

Step k draws its batch and its noise from generators seeded by (seed, k), so a run that was stopped and resumed takes
the same steps as one that was not.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from pipelines.datasets import cache_dir
from pipelines.nn import causal, weights
from pipelines.nn.dit import Block
from pipelines.training.muon import Muon


@runtime_checkable
class Recipe(Protocol):
    """What a recipe file provides: a model, its loss on the k-th batch, and how to look at it."""

    name: str
    steps: int
    lr: float
    ema: float

    def build(self) -> nn.Module: ...
    def loss(self, model: nn.Module, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]: ...
    def evaluate(self, model: nn.Module, folder: Path, step: int) -> dict[str, float]: ...
    def export(self, model: nn.Module, record: dict) -> None: ...


def optimisers(
    model: nn.Module,
    lr: float,
    weight_decay: float,
    muon: bool | str = False,
    betas: tuple[float, float] = (0.9, 0.98),
) -> list[torch.optim.Optimizer]:
    """AdamW; with `muon`, the matrices of attention and MLP inside `blocks` by Muon, or, where it is the end of a name,
    such as "conv.weight", the kernels so called."""
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]

    def hidden(name: str, p: Tensor) -> bool:
        if isinstance(muon, str):
            return name.endswith(tuple(muon.split())) and p.ndim == 4
        return muon and p.ndim == 2 and "blocks" in name and not name.endswith(("modulation.weight", "words.weight"))

    matrices = [p for n, p in named if hidden(n, p)]
    chosen = {id(p) for p in matrices}
    rest = [p for _, p in named if id(p) not in chosen]
    found: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(rest, lr=lr, betas=betas, weight_decay=weight_decay, fused=True)
    ]
    if matrices:
        fast = weights.fast_bf16() or matrices[0].is_cuda
        found.append(
            Muon(matrices, lr=lr, weight_decay=weight_decay, dtype=torch.bfloat16 if fast else torch.float32)
        )
    return found


def lr_factor(step: int, done: float, warmup: int = 300) -> float:
    """Warm-up by steps, constant, then a linear cool-down over the last fifth of what is to be done, of which `done` is
    the share."""
    return min(1.0, (step + 1) / warmup) * min(1.0, max(0.02, (1 - done) / 0.2))


class Checkpoint:
    """Model, average and optimisers in one safetensors file: nothing is ever unpickled."""

    def __init__(self, path: Path, model: nn.Module, average: nn.Module, optims: list[torch.optim.Optimizer]) -> None:
        self.path, self.model, self.average, self.optims = path, model, average, optims

    def save(self, step: int, spent: float) -> None:
        """Write beside the old file, then replace it, so that a kill leaves one or the other."""
        tensors = {
            f"{side}/{k}": v for side in ("model", "average") for k, v in getattr(self, side).state_dict().items()
        }
        for i, optim in enumerate(self.optims):
            for j, state in optim.state_dict()["state"].items():
                tensors |= {f"optim/{i}/{j}/{k}": v for k, v in state.items()}
        part = self.path.with_suffix(".part")
        save_file({k: v.contiguous() for k, v in tensors.items()}, part, {"step": str(step), "spent": str(spent)})
        part.replace(self.path)

    def load(self) -> tuple[int, float]:
        """Put everything back; the step and the seconds that it was saved at."""
        sides: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}}
        states: list[dict[int, dict[str, Tensor]]] = [{} for _ in self.optims]
        with safe_open(self.path, "pt") as file:
            for key in file.keys():  # noqa: SIM118 - safe_open is no dict
                side, _, rest = key.partition("/")
                if side == "optim":
                    i, j, name = rest.split("/")
                    states[int(i)].setdefault(int(j), {})[name] = file.get_tensor(key)
                else:
                    sides[side][rest] = file.get_tensor(key)
            about = file.metadata()
        self.model.load_state_dict(sides["model"])
        self.average.load_state_dict(sides["average"])
        for optim, state in zip(self.optims, states, strict=True):
            optim.load_state_dict({"state": state, "param_groups": optim.state_dict()["param_groups"]})
        return int(about["step"]), float(about["spent"])


def train(
    recipe: Recipe,
    steps: int,
    minutes: float,
    device: str = "cpu",
    seed: int = 0,
    from_scratch: bool = False,
    start: Path | None = None,
    keep: bool = True,
    compiled: bool = False,
) -> None:
    """Train until `steps` or for `minutes`, whichever comes first, going on from the last checkpoint; cool down towards
    it, and export.

    `start` begins with the bundle in a folder instead, with its count of steps; `from_scratch` from nothing.
    Without `keep` no checkpoint is written. `compiled` fuses a transformer's small operations, a quarter of its
    time on a CPU, and needs a C++ compiler.
    """
    folder = cache_dir() / "runs" / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    path, log = folder / "checkpoint.safetensors", folder / "log.jsonl"
    torch.manual_seed(seed)
    model = recipe.build().to(device)
    average = copy.deepcopy(model).eval().requires_grad_(False)
    if compiled:
        whole = [model, *getattr(recipe, "frozen", [])]  # of what is frozen, what no hooks go into
        blocks = [part for one in whole for part in one.modules() if isinstance(part, Block | causal.Block)]
        for block in blocks:
            block.forward = torch.compile(block.forward)  # hooks stay outside
        print(f"{len(blocks)} blocks are compiled", flush=True)
    optims = optimisers(
        model,
        recipe.lr,
        getattr(recipe, "weight_decay", 0.01),
        getattr(recipe, "muon", False),
        getattr(recipe, "betas", (0.9, 0.98)),
    )
    step, spent, new = 0, 0.0, 0
    checkpoint = Checkpoint(path, model, average, optims)
    if start:
        tensors, about = weights.load_bundle(recipe.name, start)
        for side in (model, average):
            getattr(side, "model", side).load_state_dict(tensors)
        step, spent = about["steps"], about["seconds"]
        new = step  # the optimisers know nothing yet: they warm up once more
    elif path.exists() and not from_scratch and keep:
        step, spent = checkpoint.load()
    print(f"{recipe.name}: from step {step}", flush=True)

    def look() -> dict[str, float]:
        found = recipe.evaluate(average, folder, step)
        with (folder / "looks.jsonl").open("a") as file:
            file.write(json.dumps({"step": step, **found}) + "\n")
        return found

    started = last_log = last_save = time.perf_counter()
    last_look, count, sums = started, 0, {}
    begun = spent
    while step < steps and time.perf_counter() - started < minutes * 60:
        rng = np.random.default_rng([seed, step])
        torch.manual_seed(seed * 1_000_003 + step)
        recipe.done = step / steps
        done = max(step / steps, (time.perf_counter() - started) / (minutes * 60))
        for optim in optims:
            for group in optim.param_groups:
                group["lr"] = recipe.lr * lr_factor(step - new, done, getattr(recipe, "warmup", 300))
        with weights.mixed_precision(device):
            loss, parts = recipe.loss(model, rng)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), getattr(recipe, "clip", 1.0))
        if torch.isfinite(norm):
            for optim in optims:
                optim.step()
        model.zero_grad(set_to_none=True)
        decay = min(recipe.ema, (step + 1) / (step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
            for target, source in zip(average.buffers(), model.buffers(), strict=True):
                target.copy_(source)
        step, count = step + 1, count + 1
        for key, value in {"loss": loss.detach(), "norm": norm, **parts}.items():
            sums[key] = sums.get(key, 0.0) + value  # on a GPU a number is asked for only when a line is written
        now = time.perf_counter()
        spent = begun + now - started
        if now - last_log > 20:
            line = {
                "step": step,
                "minutes": round(spent / 60, 2),
                "per_s": round(count * recipe.batch / (now - last_log), 1),
            }
            line |= {k: round(float(v) / count, 4) for k, v in sums.items()}
            print(json.dumps(line), flush=True)
            with log.open("a") as file:
                file.write(json.dumps(line) + "\n")
            last_log, count, sums = now, 0, {}
        if now - last_save > 180 and keep:
            checkpoint.save(step, spent)
            last_save = now
        if now - last_look > getattr(recipe, "look_every", 240):
            print(json.dumps({"step": step, **look()}), flush=True)
            last_look = last_log = time.perf_counter()
            count, sums = 0, {}
    if keep:
        checkpoint.save(step, spent)
    metrics = look()
    print(json.dumps({"step": step, "final": metrics}), flush=True)
    record = {
        "steps": step,
        "seconds": round(spent),
        "batch": recipe.batch,
        "recipe": type(recipe).__module__,
        "metrics": metrics,
    }
    recipe.export(average.cpu(), record)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options that every recipe has."""
    parser.add_argument("--steps", type=int, help="how many steps in all (default: the recipe's)")
    parser.add_argument("--minutes", type=float, default=1e9, help="cool down, and end after so many minutes")
    parser.add_argument("--batch", type=int, help="pictures a step (default: the recipe's; a GPU wants 512)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", dest="compiled", action="store_true", help="fuse small operations (needs g++)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--fresh", dest="from_scratch", action="store_true", help="forget the checkpoint and begin anew"
    )
    parser.add_argument(
        "--start", type=Path, metavar="FOLDER", help="begin with a bundle, such as that in assets/weights"
    )
    parser.add_argument("--pack", type=Path, help="train from this folder alone, which `pack NAME` has written")
    parser.add_argument(
        "--out", type=Path, help="where weights and sheets go (default: the cache; of a pack: its folder)"
    )
    parser.add_argument("--without-weights", action="store_true", help="pack more data instead of the weights so far")
