"""Text from outside on a page: it may be formatted, and it loads nothing."""

import pytest

from console.drawing.text import label, markdown


@pytest.mark.parametrize(
    "text",
    ["![a](http://x/y.png)", "\\![a](http://x/y.png)", "![a][b]\n\n[b]: http://x/y.png", "[![a](http://x)](http://y)"],
)
def test_markdown_has_no_image_left(text):
    assert "![" not in markdown(text)


def test_a_label_has_no_markup_left():
    assert label("![a](b) **c** :red[d]\ne") == r"\!\[a\]\(b\) \*\*c\*\* \:red\[d\] e"
