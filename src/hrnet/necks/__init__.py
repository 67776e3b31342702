"""Necks: the maps of a backbone brought together for a head."""
