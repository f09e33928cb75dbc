"""The product with every logger at its most talkative: `python -m tests.oauth.talkative`."""

import logging
import runpy


class Talkative(logging.Logger):
    """Says everything, whoever bids it to say less."""

    def setLevel(self, level: int | str) -> None:  # noqa: ARG002, N802 - the parent's signature
        """Stay at DEBUG."""
        super().setLevel(logging.DEBUG)


def main() -> None:
    """Serve as `asgi.py` does; nothing that logs is imported before."""
    logging.setLoggerClass(Talkative)
    logging.basicConfig(level=logging.DEBUG)
    runpy.run_path("asgi.py", run_name="__main__")


if __name__ == "__main__":
    main()
