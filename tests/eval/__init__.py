"""How well the right passage is found, and how well the desk knows that none is there: questions, measures, benchmarks.

Everything here goes through the product's own reading, indexing and searching. `python -m tests.eval.run --help`.
"""
