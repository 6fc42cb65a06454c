"""The web chat: a page, a small JSON API and a live stream. The page reads the thread itself: committed is sent."""
