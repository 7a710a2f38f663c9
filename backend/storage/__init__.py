"""Where rows live: one writer, many readers. The rules reach it as a port and never see SQL."""
