"""How the gateway's things look on the merchants' wire: one module for each kind of object.

A view turns a stored value into JSON and decides nothing; webhooks show objects with it too.
"""
