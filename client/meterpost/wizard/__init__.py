"""The configuration wizard for the billing administrator. Questions are data; the terminal is one way to ask them."""
