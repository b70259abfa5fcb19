"""The fault campaign: rounds of random faults at random instants, and a comparison that knows nothing of the product.

Everything that is chosen comes from the seed; what the machine makes of it does not.
"""
