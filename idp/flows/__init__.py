"""Journeys: what a browser or a client can ask, one file each."""
