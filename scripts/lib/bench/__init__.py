"""What ``scripts/bench`` measures. No figure is a test: no figure fails."""
