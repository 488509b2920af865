"""OID profiles: data only, one TOML file per maker. `meterpost.devices.reading.profile` reads them."""
