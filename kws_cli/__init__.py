"""What every command of the project shares: exit codes, one-line errors, JSON output, tables, whole files."""
