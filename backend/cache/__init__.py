"""An accelerator that may vanish at any moment. No decision about money rests on it alone."""
