"""Vectors and rankings from Pinecone."""

from backends.extras import require

require("pinecone")
