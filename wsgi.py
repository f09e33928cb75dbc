"""The Flask app, for the flask command and any WSGI host."""

import sys

from app import create_app
from app.core.errors import Misdeclared
from config import SettingsInvalid

try:
    app = create_app()
except (SettingsInvalid, Misdeclared) as fault:
    sys.exit(f"latchkey: {fault}")
