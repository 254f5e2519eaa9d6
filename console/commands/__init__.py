"""The commands of `freshpipe`, by what they are about."""
