"""« Inscription »: four steps in which a person asks for an account; the desk decides (`/inscription`)."""
