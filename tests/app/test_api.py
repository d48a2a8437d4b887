"""The endpoints, as gradio_client sees them."""

from __future__ import annotations

import base64
import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from pipelines.media.images import to_url


@pytest.fixture(scope="module")
def client(served: str) -> Client:
    return Client(served, verbose=False)


def test_the_endpoint_has_a_name_types_and_help(client: Client) -> None:
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    expected = [
        "/latent_diffusion_256",
        "/latent_diffusion",
        "/next_scale",
        "/inpainting",
        "/outpainting",
        "/variation",
        "/edit_by_words",
        "/controlnet",
        "/pix2pix",
        "/video",
    ]
    expected += ["/audio_flow", "/audio_tokens", "/audio_codec", "/text_to_3d", "/image_to_3d", "/splatting", "/lora"]
    expected += ["/plane", "/vae", "/autoencoder", "/gan", "/conditional_gan", "/stylegan", "/stylegan_inversion"]
    expected += ["/ddpm", "/few_step", "/rectified_flow", "/latent_walk", "/noise_space"]
    assert list(endpoints) == expected
    parameters = {p["parameter_name"]: p for p in endpoints["/latent_diffusion"]["parameters"]}
    assert {"prompt", "seed", "steps", "guidance", "sampler", "count"} <= set(parameters)
    assert parameters["steps"]["python_type"]["type"] == "int"
    assert parameters["guidance"]["parameter_default"] == 4.0


def test_it_streams_steps_and_ends_with_the_picture(client: Client) -> None:
    job = client.submit(prompt="a cat", steps=5, seed=3, api_name="/latent_diffusion")
    result = job.result()
    assert (result["step"], result["steps"]) == (5, 5)
    assert job.outputs()[0]["preview"].startswith("data:image/jpeg")
    png = base64.b64decode(result["files"][0]["url"].split(",")[1])
    held = json.loads(Image.open(io.BytesIO(png)).info["darkroom"])
    assert (held["settings"]["prompt"], held["settings"]["seed"], held["settings"]["steps"]) == ("a cat", 3, 5)
    again = client.predict(prompt="a cat", steps=5, seed=3, api_name="/latent_diffusion")
    assert again["files"] == result["files"]


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"steps": 0}, "Steps is 0, but should be greater than or equal to 1."),
        ({"steps": 100_000}, "Steps is 100000"),
        ({"seed": -1}, "Seed is -1"),
        ({"seed": 2**70}, "Seed is"),
        ({"count": 1000}, "Count is 1000"),
        ({"sampler": "magic"}, "magic"),
    ],
)
def test_bad_input_is_one_sentence_and_the_server_goes_on(client: Client, bad: dict, sentence: str) -> None:
    with pytest.raises((AppError, ValueError), match=sentence):
        client.predict(prompt="a cat", **bad, api_name="/latent_diffusion")
    assert client.predict(prompt="a cat", steps=1, api_name="/latent_diffusion")["step"] == 1


def test_pictures_travel_as_data_urls_and_paths_of_the_server_do_not(client: Client) -> None:
    image, mask = (to_url(Image.new("RGB", (130, 128), colour)) for colour in ("red", "white"))
    made = client.predict(image=image, mask=mask, prompt="a cat", steps=2, method="naive", api_name="/inpainting")
    png = base64.b64decode(made["files"][0]["url"].split(",")[1])
    assert Image.open(io.BytesIO(png)).size == (130, 128)
    with pytest.raises(AppError, match="The picture must be a data URL"):
        client.predict(image=__file__, prompt="a cat", api_name="/variation")


def test_a_sketch_a_style_and_a_style_worn(client: Client) -> None:
    def square(side: int) -> str:
        picture = Image.new("RGB", (64, 64), "white")
        picture.paste((30, 4 * side, 30), (4, 4, side, side))
        return to_url(picture)

    assert client.predict(control=square(40), steps=2, api_name="/controlnet")["files"]
    assert client.predict(control=square(40), style="avatar", api_name="/pix2pix")["files"]
    taught = client.predict(
        pictures=[square(20 + i) for i in range(5)], trigger="zorblax", name="api", minutes=0.05, api_name="/lora"
    )
    assert [file["name"] for file in taught["files"]][-1] == "lora-api.safetensors"
    plain, worn = (
        client.predict(prompt="zorblax", steps=2, loras=loras, api_name="/latent_diffusion")["files"][0]["url"]
        for loras in ("", "api:0.8")
    )
    assert plain != worn
    with pytest.raises(AppError, match="There is no LoRA 'nobody' here"):
        client.predict(prompt="zorblax", loras="nobody", api_name="/latent_diffusion")


def test_ten_at_once_all_finish(client: Client) -> None:
    with ThreadPoolExecutor(10) as pool:
        results = list(
            pool.map(
                lambda seed: client.predict(prompt="a cat", steps=3, seed=seed, api_name="/latent_diffusion"),
                range(10),
            )
        )
    assert [r["files"][0]["name"] for r in results] == [f"latent-diffusion-{seed}.png" for seed in range(10)]
