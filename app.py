"""PaSST Explorer: ``python app.py`` starts it; a Hugging Face Space runs this file as it is."""

import logging
import sys

import gradio as gr
from pydantic import ValidationError

from passt_core.errors import PasstError
from passt_ui.build import build_app, launch_options
from passt_ui.services import Services
from passt_ui.settings import Settings, check_address, explained


def main() -> None:
    """Settings → services → page → server."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # Gradio asks itself whether it is up
    try:
        page = started(Settings())
    except (ValidationError, PasstError) as error:
        sys.stderr.write(f"{explained(error)}\n")
        sys.exit(2)
    page.block_thread()


def started(settings: Settings) -> gr.Blocks:
    """The page, being served; its address is told on standard output.

    Raises:
        PasstError: the model or the library cannot be opened, or the port is in use.
    """
    check_address(settings)
    services = Services.create(settings)
    page = build_app(services)
    try:
        _, url, _ = page.launch(**launch_options(services), quiet=True, prevent_thread_lock=True)
    except OSError:
        check_address(settings)  # taken while the model was being loaded
        raise
    sys.stdout.write(f"PaSST Explorer is on {url.rstrip('/')}\n")
    sys.stdout.flush()
    return page


if __name__ == "__main__":
    main()
