"""What is installed is what is there."""

import configparser
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_package_is_named() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    named = set(setup["options"]["packages"].split())
    roots = [ROOT / root for root in ("client", "server_stub", "wsdl")]
    there = {".".join(path.parent.relative_to(root).parts) for root in roots for path in root.rglob("__init__.py")}
    # Alembic's scripts are data: they are run by path and never imported.
    assert named == {name for name in there if ".migrations" not in name}


def test_test_modules_have_names_of_their_own() -> None:
    modules = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(modules) == len(set(modules))


def test_lxml_and_xmlsec_carry_the_same_libxml2_and_sign() -> None:
    import xmlsec
    from lxml import etree

    assert xmlsec.get_libxml_version()[:2] == etree.LIBXML_VERSION[:2]
    root = etree.fromstring("<a><b>1</b></a>")
    signature = xmlsec.template.create(root, xmlsec.constants.TransformExclC14N, xmlsec.constants.TransformHmacSha256)
    reference = xmlsec.template.add_reference(signature, xmlsec.constants.TransformSha256, uri="")
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    root.append(signature)
    key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataHmac, b"a key for one test")
    context = xmlsec.SignatureContext()
    context.key = key
    context.sign(signature)
    again = xmlsec.SignatureContext()
    again.key = key
    again.verify(signature)
