"""The error tree. Every error says what failed, whose side it is on, whether to try again, and what to do."""

from enum import StrEnum
from typing import ClassVar


class Side(StrEnum):
    """Whose fault an error is."""

    OURS = "meterpost"
    PEER = "communication server"
    NETWORK = "network"
    DEVICE = "printer"
    OPERATOR = "configuration"


class MeterpostError(Exception):
    """Base of all. `str()` is what failed, in one sentence; `advice` is what the administrator can do.
    `nothing_left` is true where the message it stopped cannot have left this computer, not even in part."""

    side: ClassVar[Side] = Side.OURS
    exit_code: ClassVar[int] = 70
    retry: ClassVar[bool] = False

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(what)
        self.advice = advice
        self.nothing_left = False


class SettingsError(MeterpostError):
    """The configuration file, an answer file, a command line value."""

    side = Side.OPERATOR
    exit_code = 2


class Busy(MeterpostError):
    """Another meterpost process is writing to this store."""

    side = Side.OPERATOR
    exit_code = 3
    retry = True


class StoreError(MeterpostError):
    """The store cannot be opened, migrated or written."""

    exit_code = 4


class DeviceError(MeterpostError):
    """A printer did not answer, or answered nonsense."""

    side = Side.DEVICE
    exit_code = 5
    retry = True


class NetworkError(MeterpostError):
    """The communication server cannot be reached: name, route, time-out, HTTP proxy, broken connection."""

    side = Side.NETWORK
    exit_code = 6
    retry = True


class TlsError(MeterpostError):
    """The server's certificate, or ours, was not accepted."""

    side = Side.NETWORK
    exit_code = 7
    retry = True


class PeerError(MeterpostError):
    """The server answered something that is not a reply of this protocol."""

    side = Side.PEER
    exit_code = 8
    retry = True


class AuthenticationError(MeterpostError):
    """The server refused our credentials, or a reply's credentials did not hold. `code` is the SOAP fault code, where there
    was a fault."""

    side = Side.OPERATOR
    exit_code = 9
    retry = True

    def __init__(self, what: str, advice: str = "", code: str = "") -> None:
        super().__init__(what, advice)
        self.code = code


class Refused(MeterpostError):
    """The server understood the message and will not have it. `code` is a RefusalCode or a SOAP fault code."""

    side = Side.PEER
    exit_code = 10

    def __init__(self, what: str, advice: str = "", code: str = "") -> None:
        super().__init__(what, advice)
        self.code = code


class OverBudget(MeterpostError):
    """A message is larger than its documented formula, and was therefore not sent."""

    exit_code = 11
