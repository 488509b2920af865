"""SNMP: how values are got out of an agent, kindly, whatever it answers. Knows nothing of printers."""
