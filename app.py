"""PaSST Explorer: ``python app.py`` starts it; a Hugging Face Space runs this file as it is."""

import logging
import sys

from pydantic import ValidationError

from passt_core.errors import PasstError
from passt_ui.build import build_app, launch_options
from passt_ui.services import Services
from passt_ui.settings import Settings, explained


def main() -> None:
    """Settings → services → page → server."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        services = Services.create(Settings())
    except (ValidationError, PasstError) as error:
        sys.stderr.write(f"{explained(error)}\n")
        sys.exit(2)
    build_app(services).launch(**launch_options(services))


if __name__ == "__main__":
    main()
