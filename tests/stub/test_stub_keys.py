"""Keys at the server: certified once they are proved, replaced, released, revoked; and what the server itself signs with."""

import base64
import hashlib
import stat
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from meterpost.errors import SettingsError
from meterpost.wsse import Embedded, IssuerSerial, KeyIdentifier, Thumbprint, Unnamed
from meterpost.wsse.algorithms import KeyKind
from meterpost_stub import keys as rules
from meterpost_stub.centre import Caller, Centre, Refusal
from meterpost_stub.certificates import Authority
from meterpost_stub.clocks import Clocks
from meterpost_stub.desk import Desk
from meterpost_stub.key_book import KeyBook, Lives
from meterpost_stub.keys import ClientKey, KeyState
from meterpost_stub.server_keys import ServerKeys
from meterpost_stub.store import Store
from meterpost_wsdl import xmlio

START = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
ADA = "0a1b2c3d-0000-4000-8000-00000000000a"
BOB = "0a1b2c3d-0000-4000-8000-00000000000b"


@dataclass
class Key:
    """A client's key, and what it sends to have it certified."""

    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def point(self) -> str:
        return rules.point_of(self.private.public_key())

    def proof(self, client: str = ADA, point: str | None = None) -> str:
        signature = self.private.sign(f"{client} {point or self.point}".encode(), ec.ECDSA(hashes.SHA256()))
        return base64.b64encode(b"".join(n.to_bytes(32) for n in decode_dss_signature(signature))).decode()


class Office:
    """A centre without a network. `ask` is T1; what it returns are the certificates, as PEM."""

    def __init__(self, lives: Lives = Lives(), folder: Path | None = None) -> None:
        self.now = START
        store = Store()
        self.clocks = Clocks(store, lambda: self.now)
        self.book = KeyBook(store, self.clocks, Authority(), lives, folder, "site")
        self.centre = Centre(store, self.clocks, timedelta(hours=1), keys=self.book)
        self.desk = Desk(self.centre, ("site", "other"))

    def ask(self, key: Key | None = None, signer: bytes = b"", client: str = ADA, account: str = "site") -> list[bytes]:
        words = (key.point, key.proof(client)) if key else ()
        _, certificates = self.centre.register_proxy(Caller(account, signer), client, "n", "o", "1", *words)
        return [pem(certificate.der) for certificate in certificates]

    def certified(self, key: Key, signer: bytes = b"", client: str = ADA) -> bytes:
        return self.ask(key, signer, client)[0]

    def use(self, signer: bytes, client: str = ADA) -> None:
        """A signed message that is no T1."""
        self.centre.sync(Caller("site", signer), client)

    def states(self, client: str = ADA) -> list[str]:
        return [str(state) for key, state in self.book.all() if key.client == client]

    def refuses(self, *asked: Any, **more: Any) -> str:
        """The code T1 is refused with."""
        with pytest.raises(Refusal) as refusal:
            self.ask(*asked, **more)
        assert xmlio.octets(str(refusal.value)) <= 64
        return refusal.value.code

    def signs(self, client: str = ADA) -> bytes:
        """The certificate the server signs with for a client."""
        return self.book.reply_key(client, KeyKind.P256).certificate

    def served(self, kind: KeyKind = KeyKind.P256) -> list[bytes]:
        """The server's own in force, oldest first."""
        return [key.pair.certificate for key in self.book.server.of(kind)]


@pytest.fixture
def office() -> Office:
    return Office()


def pem(der: str) -> bytes:
    return x509.load_der_x509_certificate(base64.b64decode(der, validate=True)).public_bytes(serialization.Encoding.PEM)


def read(certificate: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate)


def self_signed(private: Any, days: int = 100, name: str = "peer") -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(private.public_key())
    builder = builder.serial_number(7).not_valid_before(START - timedelta(days=1)).not_valid_after(START + timedelta(days=days))
    return builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_a_proved_key_is_certified(office: Office) -> None:
    key = Key()
    mine, *servers = office.ask(key)
    certificate = read(mine)
    assert certificate.public_key() == key.private.public_key()
    assert (certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string()) == (f"CN={ADA}", "CN=mp")
    assert 0 < certificate.serial_number < 2**63
    assert certificate.not_valid_after_utc == START + timedelta(days=365)
    assert certificate.not_valid_before_utc == START - timedelta(days=1)
    assert len(certificate.public_bytes(serialization.Encoding.DER)) < 400
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert (usage.critical, usage.value.digital_signature, usage.value.key_encipherment) == (True, True, False)
    assert servers == [*office.served(KeyKind.P256), *office.served(KeyKind.RSA)]
    assert [read(server).subject.rfc4514_string() for server in servers] == ["CN=server"] * 2
    encrypts = read(servers[1]).extensions.get_extension_for_class(x509.KeyUsage).value
    assert (encrypts.digital_signature, encrypts.key_encipherment) == (True, True)


def test_whoever_has_no_use_for_certificates_gets_none_and_costs_no_key(office: Office) -> None:
    assert office.ask() == []
    assert office.book.server.made(KeyKind.P256) == office.book.server.made(KeyKind.RSA) == ()


def test_a_valid_key_vouches_for_the_next_one_and_nothing_else_does(office: Office) -> None:
    def unproved(key: Key, signer: bytes = b"") -> list[bytes]:
        _, certificates = office.centre.register_proxy(Caller("site", signer), ADA, "", "", "1", key.point)
        return [pem(certificate.der) for certificate in certificates]

    old, new, another = Key(), Key(), Key()
    with pytest.raises(Refusal, match="proof"):
        unproved(old)
    first = office.certified(old)
    with pytest.raises(Refusal, match="proof"):
        unproved(new)
    second, *_ = unproved(new, first)
    assert read(second).public_key() == new.private.public_key()
    office.now += timedelta(days=366)
    with pytest.raises(Refusal, match="proof"):  # what has ended vouches for nobody
        unproved(another, first)


def test_a_repetition_changes_nothing(office: Office) -> None:
    key = Key()
    first, answer = office.centre.register_proxy(Caller("site"), ADA, "name", "os", "1", key.point, key.proof())
    office.now += timedelta(days=3)
    again = office.centre.register_proxy(Caller("site"), ADA, "", "", "2", key.point, key.proof())
    assert again == (first, answer)
    assert (first.name, first.os) == ("name", "os")
    assert office.states() == ["active"]


def spoilt(proof: str) -> str:
    octets = bytearray(base64.b64decode(proof))
    octets[-1] ^= 1
    return base64.b64encode(octets).decode()


KEY, OTHER = Key(), Key()
NO_POINT = base64.b64encode(b"\2" + b"\xff" * 32).decode()  # x is no residue modulo p
BAD_PROOFS = {
    "none": (KEY.point, ""),
    "no key": ("", KEY.proof()),
    "spoilt": (KEY.point, spoilt(KEY.proof())),
    "another client's": (KEY.point, KEY.proof(BOB)),
    "another key's": (KEY.point, OTHER.proof(point=KEY.point)),
    "over another key": (KEY.point, KEY.proof(point=OTHER.point)),
    "all zeros": (KEY.point, base64.b64encode(bytes(64)).decode()),
    "no point of the curve": (NO_POINT, KEY.proof(point=NO_POINT)),
    "the point at infinity": (base64.b64encode(b"\0").decode(), KEY.proof()),
    "another curve's": (rules.point_of(ec.generate_private_key(ec.SECP384R1()).public_key()), KEY.proof()),
    "no Base64": ("A" * 43 + "é", KEY.proof()),
}


@pytest.mark.parametrize("case", BAD_PROOFS)
def test_a_bad_proof_is_refused_and_changes_nothing(office: Office, case: str) -> None:
    with pytest.raises(Refusal) as refusal:
        office.centre.register_proxy(Caller("site"), ADA, "n", "o", "1", *BAD_PROOFS[case])
    assert refusal.value.code == "key-refused"
    assert (office.desk.state()["proxies"], office.book.all()) == ([], ())


@given(st.binary(min_size=0, max_size=40), st.binary(min_size=0, max_size=80))
def test_nothing_that_is_sent_as_a_key_does_more_than_fail(key: bytes, proof: bytes) -> None:
    assert rules.proved(ADA, base64.b64encode(key).decode(), base64.b64encode(proof).decode()) is None


def test_another_key_needs_the_valid_ones_signature_or_the_vendors_release(office: Office) -> None:
    first, second = Key(), Key()
    mine = office.certified(first)
    assert office.refuses(second) == "key-refused"
    bob = office.certified(Key(), client=BOB)
    assert office.refuses(second, bob) == "other-account"
    whole = self_signed(Key().private)
    office.desk.keys.trust("site", whole)
    assert office.refuses(second, whole) == "key-refused"  # it speaks for the client, but is not its key
    newer = office.certified(second, mine)
    assert office.states() == ["active", "active"]
    assert office.desk.keys.release(ADA) == {"holder": ADA, "released": 2}
    assert office.states() == []
    assert office.certified(Key()) not in (mine, newer)
    assert office.states() == ["active"]


def test_a_client_with_a_key_signs_with_it(office: Office) -> None:
    """Or somebody could take the signature off, put other words in, and show the password."""
    key = Key()
    mine = office.certified(key)
    with pytest.raises(Refusal) as refusal:
        office.use(b"")
    assert (refusal.value.code, xmlio.octets(str(refusal.value)) <= 64) == ("key-refused", True)
    assert office.refuses() == "key-refused"
    assert office.certified(key) == mine  # the answer was lost, so there is nothing to sign with
    office.use(mine)
    office.now += timedelta(days=365)
    office.use(b"")  # what was signed with it would be refused


def test_a_released_key_may_come_back_with_a_new_certificate(office: Office) -> None:
    key = Key()
    first = office.certified(key)
    office.desk.keys.release(ADA)
    second = office.certified(key)
    assert second != first
    assert [trusted.certificate for trusted in office.book.keys_of(Unnamed(), ADA)] == [second]


def test_one_key_has_one_client(office: Office) -> None:
    key = Key()
    office.certified(key)
    assert office.refuses(key, client=BOB) == "key-refused"
    office.desk.keys.release(ADA)
    assert office.certified(key, client=BOB)


def test_a_key_whose_time_is_over_can_be_followed_with_the_password(office: Office) -> None:
    key = Key()
    first = office.certified(key)
    office.now += timedelta(days=365) - timedelta(seconds=1)
    assert office.refuses(Key()) == "key-refused"
    assert office.certified(key) == first
    office.now += timedelta(seconds=1)
    assert office.states() == ["ended"]
    again = office.certified(key)
    assert read(again).not_valid_after_utc == office.now + timedelta(days=365)
    assert office.states() == ["ended", "active"]


def test_the_older_key_counts_until_a_month_after_the_newer_one_was_used(office: Office) -> None:
    older = office.certified(Key())
    newer = office.certified(Key(), older)
    office.now += timedelta(days=100)
    assert office.states() == ["active", "active"]  # nobody has used the newer one
    office.use(newer)
    office.now += timedelta(days=30) - timedelta(seconds=1)
    office.use(newer)  # not the first use
    assert office.states() == ["active", "active"]
    assert not any(trusted.revoked for trusted in office.book.keys_of(Unnamed(), ADA))
    office.now += timedelta(seconds=1)
    assert office.states() == ["retired", "active"]
    assert [(t.certificate, t.revoked) for t in office.book.keys_of(Unnamed(), ADA)] == [(older, True), (newer, False)]
    assert office.refuses(Key(), older) == "key-refused"
    assert office.certified(Key(), newer)


def test_the_older_ones_certificate_still_ends_on_its_day() -> None:
    office = Office(Lives(days=10))
    older = office.certified(Key())
    office.now += timedelta(days=5)
    office.use(office.certified(Key(), older))
    office.now += timedelta(days=5)
    assert office.states() == ["ended", "active"]


def test_a_released_key_retires_no_other(office: Office) -> None:
    older = ClientKey(b"1", ADA, "site", "", START, START + timedelta(days=365))
    newer = ClientKey(b"2", ADA, "site", "", START, START + timedelta(days=365), (), START, KeyState.RELEASED)
    assert rules.state(older, (older, newer), False, START + timedelta(days=60)) is KeyState.ACTIVE


def test_four_keys_count_and_the_one_that_signs_is_never_the_one_to_go(office: Office) -> None:
    used = office.certified(Key())
    office.use(used)
    lost = [office.certified(Key(), used) for _ in range(3)]  # answers that never arrived
    assert office.states() == ["active"] * 4
    newest = office.certified(Key(), used)
    assert office.states() == ["active", "retired", "active", "active", "active"]
    found = {trusted.certificate for trusted in office.book.keys_of(Unnamed(), ADA) if not trusted.revoked}
    assert found == {used, *lost[1:], newest}
    office.use(newest)
    latest = office.certified(Key(), newest)
    assert office.states() == ["active", "retired", "retired", "active", "active", "active"]
    for _ in range(5):
        latest = office.certified(Key(), newest)
    assert latest in {trusted.certificate for trusted in office.book.keys_of(Unnamed(), ADA) if not trusted.revoked}
    assert office.states().count("active") == 4


@pytest.mark.parametrize(
    ("used", "signer", "gone"),
    [
        ("abcd", "a", "b"),  # however old the one that signs is; and the newest has had no time to be used
        ("abcd", "b", "a"),
        ("acd", "a", "b"),
        ("ab", "b", "c"),
        ("", "", "a"),
    ],
)
def test_who_gives_way(used: str, signer: str, gone: str) -> None:
    valid = [
        ClientKey(name.encode(), ADA, "site", "", START, START, first_used=START if name in used else None) for name in "abcde"
    ]
    assert [key.certificate for key in rules.in_excess(valid, signer.encode())] == [gone.encode()]
    assert rules.in_excess(valid[:4], signer.encode()) == ()


def test_a_client_that_is_off_is_told_so_whatever_it_says(office: Office) -> None:
    key = Key()
    mine = office.certified(key)
    office.certified(Key(), client=BOB)
    assert office.desk.keys.revoke(ADA) == {"client": ADA, "revoked": True}
    caller = Caller("site", mine)
    says = (
        lambda: office.centre.register_proxy(caller, ADA, "n", "o", "1"),
        lambda: office.centre.register_devices(caller, ADA, []),
        lambda: office.centre.sync(caller, ADA),
        lambda: office.centre.status(caller, ADA, []),
        lambda: office.centre.billing(caller, ADA, []),
    )
    for say in says:
        with pytest.raises(Refusal) as refusal:
            say()
        assert refusal.value.code == "revoked"
    assert office.refuses(key) == office.refuses(Key()) == "revoked"
    with pytest.raises(Refusal) as refusal:
        office.centre.sync(Caller("other"), ADA)
    assert refusal.value.code == "other-account"  # who it is comes first
    assert [(t.certificate, t.revoked) for t in office.book.keys_of(Unnamed(), ADA)] == [(mine, False)]
    assert (office.states(), office.states(BOB)) == (["revoked"], ["active"])
    assert [proxy["revoked"] for proxy in office.desk.state()["proxies"]] == [True, False]
    office.desk.keys.unrevoke(ADA)
    office.use(mine)
    assert (office.states(), office.certified(key)) == (["active"], mine)
    with pytest.raises(SettingsError, match="is not revoked"):
        office.desk.keys.unrevoke(ADA)
    with pytest.raises(SettingsError, match="is not revoked"):
        office.desk.keys.unrevoke(BOB)


def test_orders_about_nobody_are_refused(office: Office) -> None:
    for order in (office.desk.keys.revoke, office.desk.keys.release):
        with pytest.raises(SettingsError, match="no client"):
            order(ADA)
    for order in (office.desk.keys.release, lambda holder: office.desk.keys.trust(holder, self_signed(Key().private))):
        with pytest.raises(SettingsError, match="neither a client's id nor an account"):
            order("stranger")


@pytest.mark.parametrize(
    "private",
    [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 1024)],
    ids=["another curve", "RSA of 1024 bits"],
)
def test_a_certificate_that_cannot_sign_is_not_trusted(office: Office, private: Any) -> None:
    with pytest.raises(SettingsError, match="neither P-256 nor RSA"):
        office.desk.keys.trust(ADA, self_signed(private))
    assert office.book.all() == ()


def test_what_is_no_certificate_is_not_trusted(office: Office) -> None:
    for brought in (b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\xff\xfe"):
        with pytest.raises(SettingsError, match="not a certificate"):
            office.desk.keys.trust(ADA, brought)


def test_a_certificate_can_be_brought(office: Office) -> None:
    key = Key()
    mine, whole = self_signed(key.private), self_signed(rsa.generate_private_key(65537, 2048))
    told = office.desk.keys.trust(ADA, mine)
    assert (told["client"], told["account"], told["state"], told["serial"]) == (ADA, "site", "active", "7")
    assert office.desk.keys.trust("other", whole)["account"] == "other"
    assert [t.holder for t in office.book.keys_of(Unnamed(), ADA)] == ["site", "other"]  # nobody has registered yet
    office.ask(signer=mine)
    assert [t.certificate for t in office.book.keys_of(Unnamed(), ADA)] == [mine]  # it is of the account that has its key
    assert office.refuses(Key()) == "key-refused"
    assert office.certified(key) == mine  # the key has its certificate
    assert office.ask(signer=mine) == [*office.served(KeyKind.P256), *office.served(KeyKind.RSA)]
    assert office.desk.keys.trust(ADA, mine)["first_used"] == "2026-01-31T08:00:00Z"
    with pytest.raises(SettingsError, match="somebody else"):
        office.desk.keys.trust(BOB, mine)
    office.ask(signer=whole, client=BOB, account="other")
    assert [t.certificate for t in office.book.keys_of(Unnamed(), BOB)] == [whole]
    assert office.desk.keys.trust(BOB, self_signed(Key().private))["account"] == "other"  # where it is registered
    office.desk.keys.release(BOB)
    assert office.desk.keys.release("other")["released"] == 1
    assert office.book.keys_of(Unnamed(), BOB) == ()
    assert [t.certificate for t in office.book.keys_of(Unnamed(), ADA)] == [mine]


def test_a_key_is_found_by_every_name(office: Office) -> None:
    mine, other = office.certified(Key()), office.certified(Key(), client=BOB)
    certificate = read(mine)
    ski = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    der = certificate.public_bytes(serialization.Encoding.DER)
    names = [
        IssuerSerial("CN=mp", certificate.serial_number),
        Thumbprint(certificate.fingerprint(hashes.SHA1())),  # a name
        KeyIdentifier(ski),
        Embedded(hashlib.sha256(der).digest()),
    ]
    for name in names:
        for client in (ADA, None):
            (trusted,) = office.book.keys_of(name, client)
            assert (trusted.certificate, trusted.holder, trusted.revoked) == (mine, "site", False)
        assert office.book.keys_of(name, BOB) == ()
    assert office.book.keys_of(IssuerSerial("CN=mq", certificate.serial_number), ADA) == ()
    assert {trusted.certificate for trusted in office.book.keys_of(Unnamed())} == {mine, other}


def test_a_reply_is_signed_with_what_the_client_certainly_knows(office: Office) -> None:
    """An answer can be lost, so that it was sent says nothing; that its certificate is used does."""
    key = Key()
    mine = office.certified(key)
    (first,) = office.served()
    office.use(mine)
    office.desk.keys.roll_over()
    assert office.served()[0] == first
    _, second = office.served()
    assert office.signs() == first
    office.certified(key, mine)  # told both, but the answer may be lost
    assert office.signs() == first
    next_mine = office.certified(Key(), mine)
    assert office.signs() == first
    office.use(mine)
    assert office.signs() == first
    office.use(next_mine)
    assert office.signs() == second
    assert office.signs(BOB) == first  # of whom nothing is known
    office.desk.keys.release(ADA)
    assert office.signs() == first


def test_the_servers_older_key_stays_in_force_until_its_end() -> None:
    office = Office(Lives(server_days=20))
    key = Key()
    office.use(office.certified(key))
    (first,) = office.served()
    office.now += timedelta(days=5)
    office.desk.keys.roll_over(days=40)
    assert [read(own).not_valid_after_utc for own in office.served()] == [
        START + timedelta(days=20),
        START + timedelta(days=45),
    ]
    assert len(office.ask(key)) == 1 + 2 + 2
    office.now = START + timedelta(days=20) - timedelta(seconds=1)
    assert office.signs() == first
    office.now += timedelta(seconds=1)
    (second,) = office.served()
    assert office.signs() == second != first


def test_a_successor_is_made_in_good_time(office: Office) -> None:
    (first,) = office.served()
    office.now = START + timedelta(days=365 - 122, seconds=-1)  # of 366: it was valid a day before it was made
    assert office.served() == [first]
    office.now += timedelta(seconds=1)
    assert office.served()[:1] == [first]
    assert len(office.served()) == 2
    office.now = START + timedelta(days=365)
    assert len(office.served()) == 1
    office.now = START + timedelta(days=3000)
    assert len(office.served()) == 1  # however long it was off


def test_there_is_room_for_three_of_a_kind(office: Office) -> None:
    key = Key()
    office.certified(key)
    for _ in range(2):
        assert [own["kind"] for own in office.desk.keys.roll_over()["server"]] == ["p256", "rsa"]
    before = office.desk.keys.state()
    with pytest.raises(SettingsError, match="in force already"):
        office.desk.keys.roll_over()
    assert office.desk.keys.state() == before
    assert len(office.ask(key)) == 1 + 2 * 3
    office.now += timedelta(days=300)
    assert len(office.served()) == 3  # no successor without room either


def test_only_keys_somebody_asked_for_are_followed(office: Office) -> None:
    assert [own["kind"] for own in office.desk.keys.roll_over()["server"]] == ["p256"]
    assert len(office.served()) == 2
    assert office.book.server.made(KeyKind.RSA) == ()
    assert office.book.own() == ()
    assert office.book.reply_key(ADA, KeyKind.RSA) == office.book.own()[0]


@pytest.mark.parametrize(("days", "server"), [(-1, 1), (3651, 1), (float("nan"), 1), (1, 0), (1, 4000)])
def test_days_no_certificate_is_valid_for_are_refused(days: float, server: float) -> None:
    with pytest.raises(SettingsError, match="certificates are valid for"):
        Lives(days, server)


def test_days_can_be_set_while_it_runs(office: Office) -> None:
    older = office.certified(Key())
    assert office.desk.keys.set_days(20) == {"days": 20}
    newer = office.certified(Key(), older)
    assert read(newer).not_valid_after_utc == START + timedelta(days=20)
    office.desk.keys.set_days(0)
    ended = office.certified(Key(), older)
    assert read(ended).not_valid_after_utc == START
    assert office.states() == ["active", "active", "ended"]
    with pytest.raises(SettingsError):
        office.desk.keys.set_days(-1)
    with pytest.raises(SettingsError):
        office.desk.keys.roll_over(0)


def test_certificates_live_by_the_security_clock(office: Office) -> None:
    mine = office.certified(Key())
    office.clocks.advance(timedelta(days=1000))
    assert office.states() == ["active"]
    office.clocks.set_security_offset(timedelta(days=365))
    assert office.states() == ["ended"]
    assert office.refuses(client=ADA, account="other") == "other-account"
    assert read(office.certified(Key())).not_valid_after_utc == START + timedelta(days=730)
    assert mine in {t.certificate for t in office.book.keys_of(Unnamed(), ADA)}  # who opens it says that it has ended


def test_a_use_that_came_to_nothing_is_none(office: Office) -> None:
    """A transaction that is refused leaves no trace, not even this one."""
    mine = office.certified(Key())
    assert office.refuses(None, mine, client=BOB) == "other-account"
    assert [key["first_used"] for key in office.desk.keys.state()["clients"]] == [None]


def test_keys_are_kept_in_a_folder(tmp_path: Path) -> None:
    authority = Authority(folder=tmp_path)
    first = ServerKeys(authority, lambda: START, timedelta(days=10), tmp_path)
    first.all()
    first.roll_over()
    first.roll_over()
    held = first.all()
    assert len(held) == 6
    again = ServerKeys(Authority(folder=tmp_path), lambda: START, timedelta(days=10), tmp_path)
    assert again.all() == held
    assert (tmp_path / "ca.pem").read_bytes() == authority.write(tmp_path).read_bytes()
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("*.key")} == {0o600}
    assert len(list(tmp_path.glob("*.key"))) == 7
    again.reset()
    assert again.all() == (held[0], held[3])
    again.roll_over()
    assert ServerKeys(authority, lambda: START, timedelta(days=10), tmp_path).all() == again.all()
    authority_again = Authority(folder=tmp_path)
    issuer = read((tmp_path / "ca.pem").read_bytes())
    issued = read(authority_again.certify("x", Key().private.public_key(), START, START + timedelta(days=1)))
    issued.verify_directly_issued_by(issuer)


@pytest.mark.parametrize("spoil", [b"", b"garbage", b"another"])
def test_kept_keys_that_are_none_are_told(tmp_path: Path, spoil: bytes) -> None:
    Authority(folder=tmp_path)
    if spoil == b"another":
        (tmp_path / "other").mkdir()
        Authority(folder=tmp_path / "other")
        spoil = (tmp_path / "other" / "ca.key").read_bytes()
    (tmp_path / "ca.key").write_bytes(spoil)
    with pytest.raises(SettingsError, match="not a key and its certificate") as told:
        Authority(folder=tmp_path)
    assert "PRIVATE" not in str(told.value)


def test_half_a_pair_is_none(tmp_path: Path) -> None:
    Authority(folder=tmp_path)
    (tmp_path / "ca.pem").unlink()
    Authority(folder=tmp_path)
    assert (tmp_path / "ca.pem").exists()


def test_no_private_key_shows(office: Office) -> None:
    office.book.server.all()
    assert "PRIVATE" not in repr(office.book.server.all())
    assert "PRIVATE" not in str(office.desk.keys.state())


def test_who_asks_for_keys_and_who_holds_the_books_do_not_wait_for_each_other(office: Office) -> None:
    """A registration asks for the server's keys with the store in its hands; a reply asks the other way round."""
    key = Key()
    office.ask(key)
    failed: list[BaseException] = []

    def run(work: Any) -> None:
        try:
            for _ in range(50):
                work()
        except BaseException as error:
            failed.append(error)

    works = (lambda: office.ask(key), office.signs, office.book.server.all, lambda: office.book.keys_of(Unnamed(), ADA))
    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not failed
    assert not any(thread.is_alive() for thread in threads)
