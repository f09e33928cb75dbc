"""The gate, the tools, and real clients of them."""
