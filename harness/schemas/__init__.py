"""JSON Schemas of the documents that programs read."""
