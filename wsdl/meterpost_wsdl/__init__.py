"""The contract both sides share: WSDL, XSD, names, budgets, golden messages.

Data and the few lines that load it. This package imports nothing of the client or of the server.
"""
