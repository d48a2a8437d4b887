"""The shell: python -m pipelines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from pipelines.__main__ import main


def test_list_and_card(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert "latent-diffusion" in capsys.readouterr().out
    assert main(["card", "latent-diffusion"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"latent-diffusion", "autoencoder"}


def test_generate_saves_what_it_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.png"
    assert (
        main(["generate", "latent-diffusion", "--prompt", "a cat", "--steps", "2", "--count", "2", "--out", str(out)])
        == 0
    )
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("   1/2")
    assert printed[-2:] == [str(tmp_path / "a-1.png"), str(tmp_path / "a-2.png")]
    held = json.loads(Image.open(tmp_path / "a-2.png").info["darkroom"])
    assert (held["settings"]["prompt"], held["settings"]["seed"]) == ("a cat", 1)


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["generate", "latent-diffusion", "--steps", "0"], "Steps is '0', but should be greater than or equal to 1."),
        (["generate", "latent-diffusion", "--guidance", "nan"], "Guidance is 'nan'"),
        (["generate", "magic"], "There is no model 'magic'; choose one of"),
        (["generate", "latent-diffusion", "--steps", "1", "--out", "no/such/folder/a.png"], "no/such/folder"),
    ],
)
def test_bad_input_is_one_sentence(argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    assert sentence in capsys.readouterr().err
