"""The ASGI mount: one bearer gate, MCP over streamable HTTP and over HTTP+SSE, Flask beside."""
