"""The catalogue seen from outside: HTTP API, OpenAPI document, manifest, MCP tools."""
