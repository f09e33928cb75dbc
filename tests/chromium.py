"""The browser of the tests: `python -m tests.chromium` prints the path of one that runs."""

import os
import shutil
import subprocess
import sys

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Print where a Chromium is; one is installed where there is none."""
    named = os.environ.get("CHROMIUM")
    found = _running(named) if named else _of_system() or _of_playwright() or _installed()
    if not found:
        fault = f"{named} does not run here" if named else "no Chromium runs here"
        sys.exit(f"{fault}, and the tests need one: make test CHROMIUM=/path/to/chromium")
    sys.stdout.write(found)


def _of_system() -> str | None:
    return next(filter(None, map(_running, NAMES)), None)


def _of_playwright() -> str | None:
    with sync_playwright() as playwright:
        return _running(playwright.chromium.executable_path)


def _installed() -> str | None:
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        _run(apt, "update")
        _run(apt, "install", "--yes", "--no-install-recommends", "chromium")
        if found := _of_system():
            return found
    # Without root; and where apt's own only points to another shop.
    _run(sys.executable, "-m", "playwright", "install", "chromium")
    return _of_playwright()


def _running(name: str) -> str | None:
    path = shutil.which(name)
    return path if path and _run(path, "--version", output=subprocess.DEVNULL) else None


def _run(*command: str, output: int | None = None) -> bool:
    # Standard output is for the path alone.
    done = subprocess.run(  # noqa: S603 - words of our own
        command, stdout=output or sys.stderr, stderr=output, check=False
    )
    return done.returncode == 0


if __name__ == "__main__":
    main()
