"""`python -m idp` is `sesame`."""

from idp.cli import main

main()
