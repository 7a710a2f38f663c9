"""The one window: what is touched stays left, what happens inside is right, time below."""
