"""`python -m tests.servers.faults`."""

from tests.servers.faults.server import main

main()
