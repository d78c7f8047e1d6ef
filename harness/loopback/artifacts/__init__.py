"""Artifacts: types, collections, versions, links, and the uploads that fill them."""
