"""vendorkit: vendor deliverables that start life as a primitive of the client's own platform."""
