"""The server's half of the input editors that have one: static/inputs/ is the browser's."""

from __future__ import annotations

from app.inputs import mask, sketch

SERVED = {"mask": mask.wire, "sketch": sketch.wire}
