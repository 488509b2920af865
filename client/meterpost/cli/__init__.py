"""The command line: arguments become calls to `agent`, what comes back becomes tables or JSON. It decides nothing itself."""
