"""The model that needs no network."""

from backends.extras import require

require("handbooks", "Stemmer", "dateparser")
