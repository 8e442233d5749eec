"""`python -m tests.servers.pinecone`."""

from tests.servers.pinecone.server import main

main()
