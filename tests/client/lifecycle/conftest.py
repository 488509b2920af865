import pytest
from lifecycle_site import Site


@pytest.fixture
def site() -> Site:
    return Site()
