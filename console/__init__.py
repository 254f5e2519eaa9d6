"""The `freshpipe` command, the REST API, the pages: what people see and call."""
