"""One measurement: engines, firmware on an emulator, the report that it prints, and the table made of it."""
