"""Heads: features to raw outputs."""
