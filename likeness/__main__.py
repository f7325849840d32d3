"""`python -m likeness`: the command line, also where a launcher starts it in many processes."""

import sys

from likeness.app.cli import main

if __name__ == "__main__":
    sys.exit(main())
