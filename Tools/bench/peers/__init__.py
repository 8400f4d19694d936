"""What Tools/bench/compare_peers is made of."""
