"""Styles that the LoRAs of scenes learn: the same scenes rendered anew, as ink on paper, as neon, or cut from paper."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, UInt8

Picture = UInt8[np.ndarray, "h w 3"]
PAPER, INK = np.array([244, 238, 224], np.float32), np.array([30, 28, 44], np.float32)
NIGHT = np.array([14, 10, 34], np.float32)
CUTS = 7  # colours of cut paper


def outline(picture: Picture, low: int = 40, high: int = 110) -> Float[np.ndarray, "h w"]:
    """Lines of a hand's width, in [0, 1]."""
    lines = cv2.Canny(cv2.GaussianBlur(picture, (0, 0), 1.2), low, high)
    return cv2.GaussianBlur(cv2.dilate(lines, np.ones((2, 2), np.uint8)), (0, 0), 0.8).astype(np.float32) / 255


def render_ink(picture: Picture) -> Picture:
    """Brush lines and three tones of a wash on warm paper."""
    grey = cv2.cvtColor(cv2.bilateralFilter(picture, 9, 60, 7), cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    wash = cv2.GaussianBlur(np.digitize(grey, [0.3, 0.55, 0.78]) / 3.0, (0, 0), 1.2)[..., None]
    tone = PAPER * wash + (PAPER * 0.42 + INK * 0.3) * (1 - wash)
    line = np.clip(1.5 * outline(picture), 0, 1)[..., None]
    return (tone * (1 - line) + INK * line).clip(0, 255).astype(np.uint8)


def render_neon(picture: Picture) -> Picture:
    """Glowing lines in the colours of what they bound, on night."""
    hsv = cv2.cvtColor(cv2.GaussianBlur(picture, (0, 0), 2.0), cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 0] = np.where(hsv[..., 1] < 40, 150, hsv[..., 0])  # what has no colour glows pink
    hsv[..., 1], hsv[..., 2] = 210, 255
    colour = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB).astype(np.float32)
    line = np.clip(1.6 * outline(picture, 30, 90), 0, 1)[..., None] * colour
    glow = sum(cv2.GaussianBlur(line, (0, 0), width) * gain for width, gain in ((3, 0.9), (9, 0.9)))
    core = np.clip(1.4 * outline(picture, 30, 90) - 0.5, 0, 1)[..., None] * 90
    return (NIGHT + line * 0.9 + glow + core).clip(0, 255).astype(np.uint8)


def render_paper(picture: Picture) -> Picture:
    """A few colours of paper, each sheet with its shadow on what lies behind it."""
    smooth = cv2.medianBlur(cv2.bilateralFilter(picture, 9, 80, 9), 7)
    pixels = smooth.reshape(-1, 3).astype(np.float32)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 1.0)
    cv2.setRNGSeed(0)
    _, label, colours = cv2.kmeans(pixels, CUTS, None, stop, 1, cv2.KMEANS_PP_CENTERS)
    label = cv2.medianBlur(label.reshape(picture.shape[:2]).astype(np.uint8), 7)
    sheet = colours.mean(1, keepdims=True) * 0.12 + colours * 0.88 + 10  # paper is a little dull
    flat = sheet[label]
    shadow = np.zeros(label.shape, np.float32)
    for k in range(CUTS):  # each casts its own, down and to the right
        there = (label == k).astype(np.float32)
        cast = cv2.GaussianBlur(np.roll(there, (3, 3), (0, 1)), (0, 0), 2.0)
        shadow = np.maximum(shadow, cast * (1 - there))
    grain = np.random.default_rng(0).normal(0, 3.0, (*label.shape, 1)).astype(np.float32)
    return (flat * (1 - 0.42 * shadow[..., None]) + grain).clip(0, 255).astype(np.uint8)


STYLES = {
    "ink": (render_ink, "ink drawing"),
    "neon": (render_neon, "neon"),
    "paper": (render_paper, "paper cut"),
}  # and their triggers
