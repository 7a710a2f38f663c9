"""The in-app payment token: sealed for one merchant, opened by that merchant."""
