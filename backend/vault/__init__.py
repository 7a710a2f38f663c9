"""Where keys come from. Knows nothing of cards, HTTP or SQL; hands out bytes by name."""
