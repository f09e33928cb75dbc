"""The edge of the Flask app: what every request must be, and what every answer carries."""
from flask import Flask
def init_app(app: Flask) -> None:
    pass
