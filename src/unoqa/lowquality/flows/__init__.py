"""What the modules `cflow` and `fastflow` share: common settings, coupling blocks, training, maps and scores."""
