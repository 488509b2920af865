"""A message becomes envelope bytes, and back. Nothing here opens a connection or a seal."""

from meterpost.soap.budget import BudgetVerdict, check, transaction_of
from meterpost.soap.codec import Codec
from meterpost.soap.packing import pack
from meterpost.soap.replies import fault_of, root_of

__all__ = ["BudgetVerdict", "Codec", "check", "fault_of", "pack", "root_of", "transaction_of"]
