# Two commands do everything on a fresh machine: `make play` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
export OMP_WAIT_POLICY := PASSIVE

.PHONY: play test bench lab weights lint clean

play: .venv/ready
	$(BIN)/python app.py

test: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	npm --prefix app run --silent check
	$(BIN)/python -m pytest -n 2 --dist loadfile

bench: .venv/ready-dev
	$(BIN)/python -m bench

# Every experiment of the Lab with five seeds: a JSON and a picture each in ./lab; fails where a verdict depends on the seed.
lab: .venv/ready
	$(BIN)/python -m pipelines.lab

# Data and training, in order; hours on two cores. Checkpoints lie in the cache, so it goes on where it was stopped.
weights: .venv/ready-dev
	for name in avatars emoji scenes vocabulary motion captions; do $(BIN)/python -m pipelines.datasets $$name || exit 1; done
	for name in perceptual reader scene_reader autoencoder decoder; do $(BIN)/python -m pipelines.training $$name || exit 1; done
	$(BIN)/python -m pipelines.datasets latents
	for name in resampler latent_diffusion eye; do $(BIN)/python -m pipelines.training $$name || exit 1; done
	for name in signs pixels; do $(BIN)/python -m pipelines.datasets $$name || exit 1; done
	for name in inpainting outpainting controlnet-edges controlnet-scribble controlnet-palette pix2pix pix2pix-l1 lora-flat lora-lines lora-pixels; do \
		$(BIN)/python -m pipelines.training $$name || exit 1; done
	$(BIN)/python -m pipelines.datasets notes
	for name in listener words-audio audio_codec; do $(BIN)/python -m pipelines.training $$name || exit 1; done
	$(BIN)/python -m pipelines.datasets codes
	for name in audio_flow audio_tokens; do $(BIN)/python -m pipelines.training $$name || exit 1; done
	for name in toys latents; do $(BIN)/python -m pipelines.datasets $$name || exit 1; done
	for name in words-toy multiview video; do $(BIN)/python -m pipelines.training $$name || exit 1; done

lint: .venv/ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	npm --prefix app run --silent fix

clean:
	rm -rf .venv app/node_modules

.venv/ready: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/ready-dev: requirements-dev.txt app/package-lock.json .venv/ready
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	tests/install-browser
	npm --prefix app ci --no-audit --no-fund --silent
	touch $@
