"""Access to services: asking for it, and being told when it is about to end. Operators decide elsewhere."""
