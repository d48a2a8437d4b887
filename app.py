"""Darkroom: every family of generative model develops its picture live. Run `python app.py`, or `make play`."""

import inspect
import os
from unittest import mock

os.environ.setdefault(
    "OMP_WAIT_POLICY", "PASSIVE"
)  # before torch: on shared cores, spinning threads run many times slower
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

with mock.patch.object(
    inspect, "getfile", side_effect=OSError
):  # else gradio rewrites a .pyi beside every component: half of the start
    from app.desktop import Desktop
    from app.theme import LAUNCH


def main() -> None:
    """Build the desktop and serve it; PORT and HOST may be given in the environment."""
    demo = Desktop().blocks
    demo.queue(max_size=64, default_concurrency_limit=8)
    port = os.environ.get("PORT")
    demo.launch(server_name=os.environ.get("HOST"), server_port=int(port) if port else None, **LAUNCH)


if __name__ == "__main__":
    main()
