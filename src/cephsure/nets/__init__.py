"""Networks, heat-map targets and their decoding (torch)."""
