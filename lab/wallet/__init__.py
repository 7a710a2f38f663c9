"""The phone: cards, arming, what the person holding it sees."""
