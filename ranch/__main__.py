"""`python -m ranch …`: the command line, where the script `ranch` is not on the path."""

from __future__ import annotations

from ranch.cli import main

if __name__ == "__main__":
    main(prog_name="python -m ranch")
