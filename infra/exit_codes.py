"""How a command ends, for those who start it."""

import os

TRY_AGAIN = os.EX_TEMPFAIL
"""What was missing (a server, room on a disk) may come: the same command may work later."""
