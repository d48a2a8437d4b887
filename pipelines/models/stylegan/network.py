"""StyleGAN2's generator (Karras et al. 2020) at 64 pixels: a mapping from noise to w, and a synthesis that begins with
a constant and whose every convolution is modulated by w; noise a layer; pictures summed over sizes. To save time, two
by two pixels are one place at the finest, so that there are four sizes of layers, and pixels get one convolution."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from pipelines.models.gan.network import NOISE

WIDTHS = (192, 160, 128, 64)  # at 4, 8, 16 and 32 places
PATCH = 2  # pixels a side of a place at the finest
SMALL = 0.1  # of the weights' scale, which is undone when they are used: one learning rate suits both players
CODE = NOISE  # numbers of z and of w
LAYERS = 2 * len(WIDTHS) - 1  # modulated convolutions, without those that give pictures: seven


def enlarge(x: Tensor, factor: int = 2) -> Tensor:
    """Maps at so many times the size."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


class Mapping(nn.Module):
    """z to w: a multilayer perceptron on the normalised noise, which learns slower than the rest; by a third and not a
    hundredth, since a short training would hardly move it."""

    def __init__(self, depth: int = 4, slow: float = 0.3) -> None:
        super().__init__()
        self.slow = slow
        self.weight = nn.ParameterList(torch.randn(CODE, CODE) / slow for _ in range(depth))
        self.bias = nn.ParameterList(torch.zeros(CODE) for _ in range(depth))

    def forward(self, z: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
        h = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        for weight, bias in zip(self.weight, self.bias, strict=True):
            h = F.leaky_relu(F.linear(h, weight * self.slow / CODE**0.5, bias * self.slow), 0.2) * 2**0.5
        return h


class ModulatedConv(nn.Module):
    """A convolution whose weights are scaled by w a channel and, unless it gives pictures, demodulated: every map has a
    variance of one again (eqs. 1 to 3)."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, demodulates: bool = True) -> None:
        super().__init__()
        self.demodulates, self.size = demodulates, size
        self.weight = nn.Parameter(SMALL * torch.randn(outputs, inputs, size, size))
        self.style = nn.Linear(CODE, inputs)
        nn.init.ones_(self.style.bias)
        nn.init.normal_(self.style.weight, std=CODE**-0.5)

    def forward(self, x: Tensor, w: Float[Tensor, "b d"]) -> Tensor:
        """By scaling the maps before and after one shared convolution: the same, and no grouped kernels."""
        scale = self.style(w)
        weight = self.weight / (SMALL * self.weight[0].numel() ** 0.5)
        y = F.conv2d(x * scale[:, :, None, None].to(x.dtype), weight.to(x.dtype), padding=self.size // 2)
        if not self.demodulates:
            return y
        square = weight.square().sum((2, 3))
        return y * (scale.square() @ square.mT + 1e-8).rsqrt()[:, :, None, None].to(y.dtype)


class Layer(nn.Module):
    """A modulated convolution, noise with a learnt strength, bias, leaky rectifier."""

    def __init__(self, inputs: int, outputs: int, grows: bool = False) -> None:
        super().__init__()
        self.conv, self.grows = ModulatedConv(inputs, outputs), grows
        self.strength, self.bias = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        if self.grows:
            x = enlarge(x)
        y = self.conv(x, w)
        if noise is not None:
            y = y + (self.strength * noise).to(y.dtype)
        return F.leaky_relu(y + self.bias[:, None, None].to(y.dtype), 0.2) * 2**0.5


class Synthesis(nn.Module):
    """A w a layer to a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.randn(WIDTHS[0], 4, 4))
        self.layers = nn.ModuleList([Layer(WIDTHS[0], WIDTHS[0])])
        for a, b in zip(WIDTHS, WIDTHS[1:], strict=False):
            self.layers += [Layer(a, b, grows=True), Layer(b, b)]
        self.pictures = nn.ModuleList(ModulatedConv(width, 3, 1, demodulates=False) for width in WIDTHS[:-1])
        self.pictures.append(ModulatedConv(WIDTHS[-1], 3, 3, demodulates=False))

    def shapes(self) -> list[tuple[int, int]]:
        """Height and width of each layer's noise."""
        return [(4 * 2 ** ((k + 1) // 2),) * 2 for k in range(LAYERS)]

    def features(self, w: Float[Tensor, "b l d"], noises: list[Tensor | None], last: int) -> Tensor:
        """The maps (b, channels, h, w) that a layer gives."""
        x = self.start.expand(len(w), -1, -1, -1)
        for k in range(last + 1):
            x = self.layers[k](x, w[:, k], noises[k])
        return x

    def forward(self, w: Float[Tensor, "b l d"], noises: list[Tensor | None]) -> Float[Tensor, "b 3 64 64"]:
        x, picture = self.start.expand(len(w), -1, -1, -1), None
        for k, layer in enumerate(self.layers):
            x = layer(x, w[:, k], noises[k])
            if k % 2 == 0:
                if k == LAYERS - 1:
                    x = enlarge(x, PATCH)
                new = self.pictures[k // 2](x, w[:, k])
                picture = new if picture is None else new + enlarge(picture, new.shape[-1] // picture.shape[-1])
        return picture


class StyleGAN(nn.Module):
    """Mapping and synthesis; the mean of w, towards which codes are truncated, and directions in w that were found
    after the training."""

    def __init__(self, directions: int = 0) -> None:
        super().__init__()
        self.mapping, self.synthesis = Mapping(), Synthesis()
        self.register_buffer("mean_w", torch.zeros(CODE))
        self.register_buffer("directions", torch.zeros(directions, CODE))

    def style(self, z: Float[Tensor, "b d"], psi: float = 1.0) -> Float[Tensor, "b l d"]:
        """A w a layer, all the same, at a share psi of the way from the mean (truncation; Karras et al. 2019)."""
        w = self.mapping(z).float()
        return torch.lerp(self.mean_w.expand_as(w), w, psi)[:, None].expand(-1, LAYERS, -1)

    def noise(self, n: int, generator: torch.Generator | None = None) -> list[Tensor]:
        """Standard noise for every layer: each picture its own."""
        return [torch.randn(n, 1, *shape, generator=generator) for shape in self.synthesis.shapes()]

    def forward(self, z: Float[Tensor, "b d"], psi: float = 1.0) -> Tensor:
        noises = [noise.to(z.device) for noise in self.noise(len(z))]
        return self.synthesis(self.style(z, psi), noises)
