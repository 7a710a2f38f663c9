"""Doors of the engine: HTTP and WebSocket in, values out. No rule of money or cards is here."""
