"""The authorization server: Authlib bound to our tables, and the rules of the RFCs."""
