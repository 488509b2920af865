"""What stands in for what is private: the same for the same, of the same shape; and the patterns private things are known by.

Everything works on octets, for nobody says in which code they are. Every pattern takes time in proportion to the text.
"""

import hashlib
import hmac
import ipaddress
import re
import string
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice

_HEX = rb"[0-9A-Fa-f]"
# Domains that are in every printer of a maker, or in nobody's network (RFC 2606).
_PUBLIC_DOMAIN = re.compile(
    rb"(?:.*\.)?(?:hp|xerox|brother|canon|epson|kyocera|kyoceradocumentsolutions|lexmark|ricoh|samsung|oki|okidata|konicaminolta"
    rb"|sharp|sharpusa|toshiba|zebra|dell|fujifilm|fujixerox|pantum)(?:\.com?)?\.(?:com|net|org|jp|de|eu|uk|us)"
    rb"|(?:www\.)?(?:pwg|ietf|w3|openssl|apache|cups|bluetooth|wi-fi)\.org|(?:.*\.)?example(?:\.(?:com|net|org))?|localhost",
    re.IGNORECASE,
)
_TOP_LEVELS = b"com net org edu gov mil int info biz eu local lan intranet internal intern corp home localdomain example test"
_SHORT_TOPS = frozenset(
    _TOP_LEVELS.split() + b"de at ch fr it es nl be uk pl cz dk se no fi pt ie jp cn us ca au br in".split()
)
_MAIL = re.compile(rb"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_URL = re.compile(
    rb"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]{1,15})://([^\s\0/\"'<>;,?]*)([^\s\0\"'<>;,?]*)(\?[^\s\0\"'<>;,]*)?"
)
_HOST = re.compile(rb"(?<![\w.-])[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+(?![\w-])")
_UNC = re.compile(rb"\\\\[^\s\0\\\"'<>|]+(?:\\[^\\\0\r\n\"<>|;,]*)*")
_NAMED = re.compile(rb"[^\0-\x1f\"<>|*?;,:=/\\]+")
_DOCUMENT = re.compile(
    rb".*\.(docx?|docm|xlsx?|xlsm|pptx?|pdf|od[tsp]|rtf|txt|csv|msg|eml|vsdx?|pub|indd|tiff?|jpe?g|png|bmp)\b", re.IGNORECASE
)
_LABELLED = re.compile(
    rb"\b((?:e?ssid|user(?: ?name)?|owner|login|document|job ?name|asset(?: ?(?:tag|no|number|id)\.?)?|fn(?=:)) ?[:=#-] ?)"
    rb"([^;,\r\n\0]+)",
    re.IGNORECASE,
)
_MAC = re.compile(rb"(?<![0-9A-Fa-f:-])%b{1,2}([:-])%b{1,2}(?:\1%b{1,2}){4}(?![0-9A-Fa-f]|[:-]%b)" % ((_HEX,) * 4))
_IPV6 = re.compile(rb"(?<![0-9A-Fa-f:])%b{0,4}(?::%b{0,4}){2,7}(?![0-9A-Fa-f:])" % (_HEX, _HEX))
_QUAD = re.compile(rb"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d)")
_SAID_TO_BE_ONE = re.compile(rb"\b(?:ip|ipv4|addr|address|gateway|dns|server|host|router|subnet)\W{0,3}$", re.IGNORECASE)
_CODES = ("utf-8", "cp1252", "utf-16-le", "utf-16-be")
_RUNS = re.compile(r"[^\W_]+|[\W_]+")
_WIDE = re.compile(rb"\0?(?:[^\0]\0){3,}[^\0]?")  # Latin text of two octets a letter, in either order
_SIGNS = string.punctuation + string.whitespace
_BETWEEN = r"\s._/:,-"
_INSIDE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10")))
_LEAST = 4  # letters and digits: fewer of them are looked for as they are written only, and by themselves
_ALONE = "(?<![A-Za-z0-9])%s(?![A-Za-z0-9])"
_NO_HOST = (0, 127, *range(224, 256))


def folded(text: str) -> str:
    """What is the same in all spellings of a word."""
    return "".join(filter(str.isalnum, text.casefold()))


def is_host(first_octet: int) -> bool:
    """Whether an IPv4 address that begins so can be that of one machine."""
    return first_octet not in _NO_HOST


class StandIns:
    """Decided by a key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._numbers: dict[object, int] = {}

    def word(self, text: str) -> str:
        """Same length, same shape, and the same whichever the case and whatever is between the letters."""
        own = folded(text)
        for turn in count():
            stream = self._stream(f"{turn} {own}")
            made = "".join(self._character(character, stream) for character in text)
            if folded(made) != own or not own:
                return made
        raise AssertionError

    @staticmethod
    def _character(character: str, stream: Iterator[int]) -> str:
        for alphabet in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
            if character in alphabet:
                return alphabet[next(stream) % len(alphabet)]
        return "x" if character.isalnum() else character

    def hardware(self, octets: bytes) -> bytes:
        """The maker's half stays. So does what is nobody's: zeros, and the broadcast address."""
        if not any(octets) or set(octets) == {0xFF}:
            return octets
        tails = (bytes(islice(self._stream(f"{turn} {octets.hex()}"), 3)) for turn in count())
        return octets[:-3] + next(tail for tail in tails if tail != octets[-3:])

    def address(self, octets: bytes) -> bytes:
        """Of 4 octets one of TEST-NET-1 (RFC 5737), of 16 one of the documentation prefix (RFC 3849); no host's stays."""
        if len(octets) == 4:
            return bytes((192, 0, 2, self._number(octets) % 254 + 1)) if is_host(octets[0]) else octets
        if not any(octets[:15]) or octets[0] == 0xFF:
            return octets
        return bytes.fromhex("20010db8") + self._number(octets).to_bytes(12, "big")

    def host(self, name: bytes) -> bytes:
        return b"host%d.example" % self._number(name.lower())

    def _number(self, of: object) -> int:
        return self._numbers.setdefault(of, len(self._numbers) + 1)

    def _stream(self, text: str) -> Iterator[int]:
        for block in count():
            yield from hmac.digest(self._key, f"{block} {text}".encode(), hashlib.sha256)


class Scrubber:
    """Takes known words and addresses, and what looks like private things, out of octets."""

    def __init__(
        self, stand_ins: StandIns, words: Iterable[str], parts: Iterable[str], macs: Iterable[bytes], hosts: Iterable[bytes]
    ) -> None:
        """`words` are replaced inside others too, `parts` where no letter is beside them; `hosts` are IPv4 addresses."""
        self._stand_ins = stand_ins
        self._hosts = frozenset(hosts)
        self._macs = tuple(macs)
        words = [word.strip(_SIGNS) for word in words]
        spelt = [(word, "%s" if len(folded(word)) >= _LEAST else _ALONE) for word in words]
        spelt += [(part, r"(?<![A-Za-z])%s(?![A-Za-z])") for part in parts]
        spelt.sort(key=lambda pair: len(folded(pair[0])), reverse=True)
        self._words = re.compile(b"|".join(_group(code, spelt) for code in _CODES), re.IGNORECASE)
        digits = {form.encode().hex().encode() for word, _ in spelt for form in (word, word.upper(), word.lower())}
        self._hex_words = _any(sorted(digits, key=len, reverse=True), re.IGNORECASE)
        self._raw_macs = _any(re.escape(form) for mac in self._macs for form in _forms(mac))
        self._hex_macs = re.compile(_each(self._macs, _hexadecimal), re.IGNORECASE)
        self._decimal_macs = re.compile(_each(self._macs, _decimal))
        self._raw_hosts = _any(map(re.escape, self._hosts))
        self._hex_hosts = _any((rb"(?<!%b)%b(?!%b)" % (_HEX, host.hex().encode(), _HEX) for host in self._hosts), re.IGNORECASE)

    def __call__(self, octets: bytes) -> bytes:
        return self._plain(_WIDE.sub(self._wide, octets) if b"\0" in octets else octets)

    def _wide(self, match: re.Match[bytes]) -> bytes:
        before = b"" if match[0][0] else b"\0"
        plain = self._plain(match[0][len(before) :: 2])
        return before + b"\0".join(plain[at : at + 1] for at in range(len(plain))) + (b"" if match[0][-1] else b"\0")

    def _plain(self, octets: bytes) -> bytes:
        made = self._stand_ins
        octets = self._words.sub(self._word, octets)
        octets = self._hex_words.sub(lambda match: self._in_hex(match, lambda o: made.word(o.decode()).encode()), octets)
        octets = _UNC.sub(rb"\\\\host\\share", octets)
        octets = _MAIL.sub(b"somebody@example.com", octets)
        octets = _MAC.sub(self._mac, octets)
        octets = _IPV6.sub(self._ipv6, octets)
        octets = self._raw_macs.sub(lambda match: match[0][:-3] + made.hardware(match[0][:3] + match[0][-3:])[-3:], octets)
        octets = self._hex_macs.sub(lambda match: self._known_mac(match, b"%02x"), octets)
        octets = self._decimal_macs.sub(lambda match: self._known_mac(match, b"%d"), octets)
        if len(octets) == 4 or not _is_text(octets):
            octets = self._raw_hosts.sub(lambda match: made.address(match[0]), octets)
        octets = self._hex_hosts.sub(lambda match: self._in_hex(match, made.address), octets)
        octets = _QUAD.sub(self._quad, octets)
        octets = _LABELLED.sub(lambda match: match[1] + made.word(match[2].decode("latin-1")).encode("latin-1"), octets)
        octets = _URL.sub(self._url, octets)
        octets = _HOST.sub(self._host, octets)
        return _NAMED.sub(self._document, octets) if b"." in octets else octets

    @staticmethod
    def _document(match: re.Match[bytes]) -> bytes:
        named = _DOCUMENT.match(match[0])  # from the beginning only: a search would begin at each of its letters
        return b"document." + named[1] + match[0][named.end() :] if named else match[0]

    def _word(self, match: re.Match[bytes]) -> bytes:
        code = _CODES[(match.lastindex or 1) - 1]
        return self._stand_ins.word(match[0].decode(code)).encode(code)

    @staticmethod
    def _in_hex(match: re.Match[bytes], change: Callable[[bytes], bytes]) -> bytes:
        changed = change(bytes.fromhex(match[0].decode())).hex().encode()
        return changed.upper() if match[0].isupper() else changed

    def _mac(self, match: re.Match[bytes]) -> bytes:
        octets = bytes(int(part, 16) for part in match[0].split(match[1]))
        changed = match[1].join(b"%02x" % octet for octet in self._stand_ins.hardware(octets))
        return match[0] if not any(octets) else changed.upper() if match[0].isupper() else changed

    def _known_mac(self, match: re.Match[bytes], form: bytes) -> bytes:
        mac = self._macs[(match.lastindex or 1) - 1]
        groups = re.split(rb"[^0-9A-Fa-f]+", match[0])
        mark = match[0][len(groups[0]) :][:1] if len(groups) > 1 else b""
        tail = 3 if (len(groups) == 3 and len(match[0]) < 9) or len(match[0]) == 6 else 6
        changed = mark.join(form % octet for octet in self._stand_ins.hardware(mac)[-tail:])
        return changed.upper() if match[0].isupper() else changed

    def _ipv6(self, match: re.Match[bytes]) -> bytes:
        try:
            octets = ipaddress.IPv6Address(match[0].decode()).packed
        except ValueError:
            return match[0]
        changed = self._stand_ins.address(octets)
        return match[0] if changed == octets else str(ipaddress.IPv6Address(changed)).encode()

    def _quad(self, match: re.Match[bytes]) -> bytes:
        """Four numbers with dots may be a firmware's version as well: only those of private networks, of the agent, and what
        is said to be an address."""
        numbers = tuple(map(int, match[0].split(b".")))
        if max(numbers) > 255:
            return match[0]
        octets = bytes(numbers)
        inside = any(ipaddress.IPv4Address(octets) in network for network in _INSIDE)
        if inside or octets in self._hosts or _SAID_TO_BE_ONE.search(match.string[max(0, match.start() - 12) : match.start()]):
            return b".".join(b"%d" % number for number in self._stand_ins.address(octets))
        return match[0]

    def _url(self, match: re.Match[bytes]) -> bytes:
        host = match[2].rpartition(b"@")[2]
        name, colon, port = host.partition(b":")
        if not name or _PUBLIC_DOMAIN.fullmatch(name) or name.startswith((b"192.0.2.", b"[")):
            return match[0]
        path = match[3] if match[1].lower() in (b"http", b"https", b"ipp", b"ipps", b"lpd", b"socket") else b"/"
        return match[1] + b"://" + self._stand_ins.host(name) + (colon + port if port.isdigit() else b"") + path

    def _host(self, match: re.Match[bytes]) -> bytes:
        *labels, top = match[0].split(b".")
        long = len(labels) > 1 and len(top) > 1 and top.isalpha() and any(map(str.isalpha, labels[-1].decode()))
        if not (long or (top.lower() in _SHORT_TOPS and not labels[-1].isdigit())) or _PUBLIC_DOMAIN.fullmatch(match[0]):
            return match[0]
        return self._stand_ins.host(match[0])


def _is_text(octets: bytes) -> bool:
    return octets.isascii() and octets.decode().isprintable()


def _any(patterns: Iterable[bytes], flags: int = 0) -> re.Pattern[bytes]:
    return re.compile(b"|".join(patterns) or rb"(?!)", flags)


def _each(macs: tuple[bytes, ...], spellings: Callable[[bytes], bytes]) -> bytes:
    """A group for each, by whose number it is known again."""
    return b"|".join(b"(%b)" % spellings(mac) for mac in macs) or rb"(?!)"


def _group(code: str, spelt: Iterable[tuple[str, str]]) -> bytes:
    """All spellings of the words in a code, as a group."""
    wide = code.startswith("utf-16")
    between = {"utf-16-le": rf"(?:[{_BETWEEN}]\0)", "utf-16-be": rf"(?:\0[{_BETWEEN}])"}.get(code, f"[{_BETWEEN}]").encode()
    found = []
    for word, frame in spelt:
        loose = len(folded(word)) >= _LEAST
        for form in {word} if word.isascii() else {word, word.upper(), word.lower()}:
            try:
                runs = [(run[0].isalnum(), [re.escape(sign.encode(code)) for sign in run]) for run in _RUNS.findall(form)]
            except UnicodeEncodeError:
                continue
            gap = between + b"{0,2}" if loose else b""
            inner = b"".join(gap.join(run) if letters else _between(run, gap) for letters, run in runs)
            before, _, after = frame.encode().partition(b"%s")
            found.append(inner if wide else before + inner + after)
    return b"(%b)" % (b"|".join(found) or rb"(?!)")


def _between(marks: list[bytes], gap: bytes) -> bytes:
    """The word's own signs, or others."""
    return b"(?:%b|%b)" % (b"".join(marks), gap) if gap else b"".join(marks)


def _forms(mac: bytes) -> tuple[bytes, ...]:
    """As it is, and as the interface identifier of an IPv6 address (RFC 4291, appendix A) and as EUI-64."""
    return mac, bytes((mac[0] ^ 2,)) + mac[1:3] + b"\xff\xfe" + mac[3:], mac[:3] + b"\xff\xfe" + mac[3:]


def _hexadecimal(mac: bytes) -> bytes:
    """With and without marks, zeros and the maker's half: host names are made of the last six digits alone."""
    padded = [rb"[:. -]?".join(b"%02x" % octet for octet in form) for form in _forms(mac)]
    unpadded = rb"[:., -]".join(b"0?%x" % octet for octet in mac)
    tail = b"%06x" % int.from_bytes(mac[3:], "big")
    marked = rb"(?<!%b)%b(?!%b)" % (_HEX, rb"[:.-]".join(b"%02x" % octet for octet in mac[3:]), _HEX)
    return b"|".join((*padded, rb"(?<!%b)%b(?!%b)" % (_HEX, unpadded, _HEX), tail, marked))


def _decimal(mac: bytes) -> bytes:
    return rb"(?<!\d)%b(?!\d)" % rb"[:., -]".join(b"0{0,2}%d" % octet for octet in mac)
