"""HTTP and HTML, as a browser and a program meet them."""
