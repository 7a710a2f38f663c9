"""Traces: conversations as masked text, and recorded dialogues to play back."""
