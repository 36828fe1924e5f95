"""Sésame's signing keys and data keys. Only this package signs; it knows nothing of the provider."""
