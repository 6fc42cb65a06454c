"""LINE, Telegram and the web: signatures and parsing on the way in, rendering and sending on the way out."""
