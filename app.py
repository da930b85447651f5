"""PaSST Explorer: ``python app.py`` starts it; a Hugging Face Space runs this file as it is."""

import logging

from passt_ui.build import build_app, launch_options
from passt_ui.services import Services
from passt_ui.settings import Settings


def main() -> None:
    """Settings → services → page → server."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    services = Services.create(Settings())
    build_app(services).launch(**launch_options(services))


if __name__ == "__main__":
    main()
