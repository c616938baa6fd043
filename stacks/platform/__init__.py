"""Components that all programs share. Every object has an explicit name; every argument a type."""
