"""Sésame: an OpenID Connect identity provider for health portals."""
