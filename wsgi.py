"""The Flask app, for the flask command and any WSGI host."""

import os
import sys

from app import create_app
from app.core.errors import Misdeclared
from config import SettingsInvalid

# What the app writes, the database above all, is for nobody else on the machine.
os.umask(0o077)

try:
    app = create_app()
except (SettingsInvalid, Misdeclared) as fault:
    sys.exit(f"latchkey: {fault}")
