"""Doors of the engine: HTTP and WebSocket in, values out. No rule about money or cards lives here."""
