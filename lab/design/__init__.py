"""Design tokens, motion, fonts, icons and the stylesheet: looks in one place."""
