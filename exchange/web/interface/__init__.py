"""The description of the interface: OpenAPI, AsyncAPI, the schemas that they link and a page."""
