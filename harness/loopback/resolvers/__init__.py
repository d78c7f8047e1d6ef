"""Resolvers of the GraphQL schema, one module for each part of it; each maps `Type.field` to a function."""
