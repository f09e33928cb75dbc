"""From a credential to a principal: sessions of browsers, bearer tokens of clients."""
