"""What ``@flow`` is told, checked where it is written: parameters, options, names."""
