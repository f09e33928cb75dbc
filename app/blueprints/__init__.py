"""HTTP and HTML, one folder per audience."""

BLUEPRINTS = ()
