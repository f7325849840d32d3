"""`python -m likeness`: the command line, also where a launcher starts it in many processes."""

import os
import sys

from likeness.app.cli import main

if __name__ == "__main__":
    code = main()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        # Threads of the process group may still be at work, and abort a process that ends around them.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
