"""A simulator of Pro Santé Connect: an OpenID provider with the manners of its sandbox, and switches for failures."""
