"""The generated pages are what the tables say now; `make docs` writes them."""

import pytest

from figures import CLASSIC_ZLIB
from generate_docs import FOLDER, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_page_is_current(name: str) -> None:
    if name == "security.md" and not CLASSIC_ZLIB:
        pytest.skip("another zlib: what is compressed has other octets here")
    assert (FOLDER / name).read_text("utf-8") == PAGES[name](), "run: make docs"
