"""`python -m archdsl` is the tool `archdsl`."""

from archdsl.cli.main import main

main()
