"""`python -m card_reader` is `sesame-reader`."""

import sys

from card_reader.cli import main

sys.exit(main())
