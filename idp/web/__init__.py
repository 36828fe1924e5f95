"""What every page shares: cookies, CSRF, headers, language, throttling, proxy trust."""
