"""What the pages tell people to type works as it stands there."""

import re
import tomllib
from pathlib import Path

from meterpost import settings
from meterpost_stub import StubServer

DOCS = Path(__file__).parent.parent / "docs"


def text_of(page: str) -> str:
    return (DOCS / page).read_text("utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(page), re.MULTILINE | re.DOTALL)


def test_the_integrators_client_registers() -> None:
    (example,) = blocks("integrator.md", "python")
    with StubServer() as stub:
        given = {"username": stub.username, "password": stub.password, "ca_file": str(stub.ca_file), "wsdl_url": stub.wsdl_url}
        exec(compile(example, "integrator.md", "exec"), given)
        assert [proxy["name"] for proxy in stub.state()["proxies"]] == ["test"]


def test_both_pages_name_everything_on_the_servers_first_line() -> None:
    with StubServer() as stub:
        names = set(stub.describe())
    (said,) = re.findall(r"^The first line on stdout is one JSON object: (.*?)\. ", text_of("integrator.md"), re.M | re.S)
    assert set(re.findall(r"`(\w+)`", said)) == names
    assert set(re.findall(r'"(\w+)":', blocks("stub.md", "")[0])) == names


def test_the_first_page_names_every_stack_that_is_tried() -> None:
    stacks = tomllib.loads((DOCS.parent / "tests/interop/known.toml").read_text("utf-8"))["stack"]
    (said,) = re.findall(r"fuzzed; (.*?) speak with both sides", text_of("../README.md"), re.DOTALL)
    assert {name.lower() for name in re.split(r",\s+|\s+and\s+", said)} == set(stacks)


def test_the_administrators_configuration_is_one() -> None:
    (example,) = blocks("administrator.md", "toml")
    loaded = settings.from_table(tomllib.loads(example), Path())
    assert loaded.snmp.users[0].name == "meters"
    # The page shows the defaults; a default that changes must change there too.
    plain = settings.Settings()
    assert loaded.schedule == plain.schedule
    assert loaded.security == plain.security
    assert (loaded.snmp.timeout_s, loaded.snmp.retries, loaded.snmp.versions) == (
        plain.snmp.timeout_s,
        plain.snmp.retries,
        plain.snmp.versions,
    )


def test_links_lead_somewhere() -> None:
    for page in [DOCS.parent / "README.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
