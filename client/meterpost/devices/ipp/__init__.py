"""Printers that speak IPP (RFC 8010, RFC 8011), with or without SNMP. Asks, and never prints or changes anything."""

from meterpost.devices.ipp.printer import read_ipp

__all__ = ["read_ipp"]
