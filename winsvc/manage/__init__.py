"""The client of the SCM: create, configure, start, control, watch and delete."""
