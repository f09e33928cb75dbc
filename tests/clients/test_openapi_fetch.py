"""Typed clients in TypeScript: what openapi-typescript makes of the document, and tsc of calls."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from flask import Flask

from app.surfaces.openapi import document
from tests.clients.conftest import NODE

_HERE = Path(__file__).parent
_PACKAGES = _HERE / "node_modules"
_OPTIONS = ("--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck")


@pytest.fixture
def project(app: Flask, tmp_path: Path) -> Path:
    """Return a folder with the types of this app's document, and the calls to be checked."""
    spec = document(app.extensions["pipeline"].catalogue, app.extensions["resources"])
    (tmp_path / "openapi.json").write_text(json.dumps(spec))
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "node_modules").symlink_to(_PACKAGES.resolve())
    shutil.copy(_HERE / "openapi_fetch" / "calls.ts", tmp_path)
    _node(tmp_path, "openapi-typescript/bin/cli.js", "openapi.json", "--output", "api.ts")
    return tmp_path


def test_calls_without_optional_fields_compile_in_strict_typescript(project: Path) -> None:
    # A line marked @ts-expect-error that compiles is an error, too.
    _node(project, "typescript/bin/tsc", *_OPTIONS, "calls.ts")


def _node(folder: Path, program: str, *arguments: str) -> None:
    """Run a program of an npm package."""
    ran = subprocess.run(  # noqa: S603 - programs of pinned packages
        [NODE, _PACKAGES / program, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
