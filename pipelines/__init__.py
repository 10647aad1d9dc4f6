"""Clean, stage, publish: one step each. What they do is decided in history/ and store/."""
