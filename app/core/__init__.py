"""The road that every call takes; knows nothing of HTTP, HTML, OAuth or MCP."""
