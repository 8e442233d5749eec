"""The console: pages for employees and for the people who look after the desk."""

from backends.extras import require

require("console")
