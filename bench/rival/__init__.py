"""django-oauth-toolkit, set up to be as fast as it can be, in a virtual environment of its own."""
