"""Our card for other people's programs: a virtual smart card over vpcd's wire."""
