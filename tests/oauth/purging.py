"""A program that purges a database when it is told to: `python -m tests.oauth.purging`.

It says a line when it is ready, waits for one, and says how many rows it has removed.
"""

import sys
import time

from app import create_app
from app.extensions import db
from app.oauth.purge import purge


def main() -> None:
    """Purge once."""
    app = create_app()
    with app.app_context():
        db.engine.connect().close()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        sys.stdout.write(str(purge(db.engine, int(time.time()))))


if __name__ == "__main__":
    main()
