"""meterpost: finds office printers, reads their billing meters, reports them. See docs/architecture.md."""

__version__ = "0.1.0"
