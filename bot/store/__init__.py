"""The database: schema, set-based functions over a `Connection`, and the one way to call them off the event loop."""
