"""`python -m unoqa`: the command line where no script was installed."""

from unoqa.cli import main

main()
