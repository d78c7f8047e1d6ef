"""Verifies that Weights & Biases really works for DDP training on LUMI."""
