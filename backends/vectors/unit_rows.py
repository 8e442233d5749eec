"""Rows scaled to length 1, as `backends.vectors.contracts` wants every vector."""

import numpy as np
from numpy.typing import NDArray

from backends.vectors.contracts import Vectors


def unit(rows: NDArray[np.float32 | np.float64]) -> Vectors:
    """The rows' directions as float32. A row of zeros stays as it is."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Vectors = np.divide(rows, np.where(lengths > 0, lengths, 1)).astype(np.float32, copy=False)
    return scaled
