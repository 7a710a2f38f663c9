"""Before the room comes in: twenty seconds that say whether everything is as it should be."""
