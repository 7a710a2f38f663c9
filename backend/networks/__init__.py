"""The card networks of the lab: three hosts with their token vault and an issuer behind each.

They stand for other companies' machines: the engine reaches them by message only.
"""
