"""What a drawing or a picture tells a model that follows it: edges, scribbles, a palette, a thing without its
background (OpenCV). Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import UInt8

from pipelines.media import images
from pipelines.media.images import MODEL_SIDE as SIDE
from pipelines.media.images import center_crop

THIN = 6  # pixels of 128 from its middle to its side: what is thinner is a line
FRAMED = 104  # pixels of 128 that a thing fills, once it is alone
TOYS, ASIDE, ALOFT = (
    (70, 124),
    8,
    26,
)  # pixels of 128 that toys fill, and how far from the middle they stand: what is like that stays as it is


def edges(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w"]:
    """Canny's edges (Canny 1986), white on black."""
    return cv2.Canny(cv2.GaussianBlur(picture, (0, 0), 0.8), 60, 140)


def scribble(picture: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator | None = None) -> UInt8[np.ndarray, "h w"]:
    """Thick lines where the edges are; with `rng`, as a hand draws them: wobbly, open, one line where two lie close
    together, details left out."""
    sharp = 1.0 if rng is None else float(rng.uniform(0.3, 1.1))  # the less, the fewer lines
    lines = cv2.Canny(cv2.GaussianBlur(picture, (0, 0), 1.6 / sharp), 50 * sharp, 120 * sharp)
    height, width = lines.shape
    if rng is not None:
        _, labels, stats, _ = cv2.connectedComponentsWithStats(lines, connectivity=8)
        spans = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
        lines = lines * (spans >= rng.uniform(3, 16))[labels]  # dots and dashes are details
        flow = rng.standard_normal((2, 6, 6)).astype(np.float32) * 2.0
        dx, dy = (cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC) for part in flow)
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        lines = cv2.remap(lines.astype(np.uint8), x + dx, y + dy, cv2.INTER_LINEAR)
        kept = cv2.resize(
            rng.random((8, 8)).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR
        ) > rng.uniform(0.0, 0.45)
        lines = lines * kept.astype(np.uint8)
    size = 3 if rng is None else int(rng.integers(2, 5))
    return ((cv2.dilate(lines, np.ones((size, size), np.uint8)) > 96) * 255).astype(np.uint8)


def palette(picture: UInt8[np.ndarray, "h w 3"], cells: int = 8) -> UInt8[np.ndarray, "h w 3"]:
    """A coarse layout of colours: the mean of each cell."""
    height, width = picture.shape[:2]
    return cv2.resize(
        cv2.resize(picture, (cells, cells), interpolation=cv2.INTER_AREA),
        (width, height),
        interpolation=cv2.INTER_NEAREST,
    )


def read_depth_map(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w"] | None:
    """A picture without colour, as the depth map that it is, near white and the farthest black; else None."""
    if (np.ptp(picture.astype(int), axis=2) > 24).mean() > 0.005:
        return None
    grey = picture.mean(2)
    low = grey.min()
    return ((grey - low) * (255 / max(255 - low, 1))).round().astype(np.uint8)


PREPROCESSORS: dict[str, Callable[..., np.ndarray]] = {"edges": edges, "scribble": scribble, "palette": palette}
CHANNELS = {"edges": 1, "scribble": 1, "palette": 3}


def control(kind: str, picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "128 128 c"]:
    """What a ControlNet sees of a picture's middle square. A drawing of lines is taken as it is, not traced around."""
    picture = center_crop(picture)
    if kind != "palette" and (lines := line_drawing(picture)) is not None:
        return lines[..., None]
    return np.atleast_3d(PREPROCESSORS[kind](picture))


def line_drawing(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w"] | None:
    """White lines on black, of a picture that is a line drawing: no colour, and nearly all of it black or white.

    Else None.
    """
    grey, colour = picture.mean(2), np.ptp(picture.astype(int), axis=2)
    if (colour > 40).mean() > 0.005 or ((grey > 64) & (grey < 191)).mean() > 0.1:
        return None
    ground = np.median(grey)
    lines = np.abs(grey - ground) > 100
    return (lines * 255).astype(np.uint8) if lines.mean() < 0.4 else None


def cut_out_object(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "128 128 3"]:
    """The largest thing of a picture before white, about in the middle and as large as toys are: the background, one
    colour or not, is told from it by GrabCut (Rother et al. 2004), beginning with what differs from the border's
    colour. Raises ValueError where there is nothing.
    """
    small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    border = np.concatenate(
        [
            small[:3].reshape(-1, 3),
            small[-3:].reshape(-1, 3),
            small[:, :3].reshape(-1, 3),
            small[:, -3:].reshape(-1, 3),
        ]
    )
    away = np.abs(small.astype(int) - np.median(border, 0)).max(2)
    mask = np.where(away > 24, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    mask[[0, -1]] = mask[:, [0, -1]] = cv2.GC_BGD
    if np.abs(border - np.median(border, 0)).max(1).mean() > 12 and (mask == cv2.GC_PR_FGD).any():  # not one colour
        cv2.grabCut(small, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    there = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    _, parts, stats, _ = cv2.connectedComponentsWithStats(there)
    if len(stats) < 2 or stats[1:, cv2.CC_STAT_AREA].max() < 40:
        raise ValueError(
            "There is no thing to be seen in this picture: choose one of a single thing before a plain background."
        )
    k = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    x, y, w, h = stats[k, :4]
    inside = cv2.morphologyEx((parts == k).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    cut = np.where(inside[..., None] > 0, small, 255)
    if TOYS[0] <= max(w, h) <= TOYS[1] and abs(x + w / 2 - SIDE / 2) <= ASIDE and abs(y + h / 2 - SIDE / 2) <= ALOFT:
        return cut
    cut, scale = cut[y : y + h, x : x + w], FRAMED / max(w, h)
    cut = cv2.resize(
        cut,
        (max(1, round(w * scale)), max(1, round(h * scale))),
        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC,
    )
    sheet, (top, left) = (
        np.full((SIDE, SIDE, 3), 255, np.uint8),
        ((SIDE - cut.shape[0]) // 2, (SIDE - cut.shape[1]) // 2),
    )
    sheet[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
    return sheet


def require_content(drawing: str, kind: str) -> None:
    """Raises ValueError for a sheet without a line, where lines are wanted, and for a depth map that is none."""
    if kind == "palette":
        return  # black and white are colours, too
    if kind != "depth":
        if not control(kind, images.from_url(drawing)).any():
            raise ValueError("The drawing is empty: draw some lines first.")
        return
    picture = center_crop(images.from_url(drawing))
    if read_depth_map(picture) is None:
        return  # a picture, whose depth is read
    if np.ptp(picture.mean(2)) < 8:
        raise ValueError("The depth map is the same everywhere: choose one in which near is white and far is black.")
    lines = line_drawing(picture)
    if lines is not None and cv2.distanceTransform(lines, cv2.DIST_L2, 3).max() < THIN:
        raise ValueError("These are lines, and a depth map has areas: follow them as Scribble or Edges.")
