"""OID profiles: data only, one TOML file per maker. `meterpost.devices.profile` reads them."""
