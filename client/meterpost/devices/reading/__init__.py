"""What values mean: variables of the MIBs and of the makers' trees become a `Reading`. Knows no network."""
