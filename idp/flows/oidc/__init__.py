"""The OpenID Connect endpoints."""
