"""The commands behind `make`: install, build, synthesise, start, test. Standard library only."""
