"""Mutation check: small wrong changes to the code that judges, of which the quick tests must notice nearly all."""
