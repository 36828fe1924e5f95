"""A real Chromium, walking the real demo."""
