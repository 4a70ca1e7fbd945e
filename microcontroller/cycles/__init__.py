"""Estimated Cortex-M4 cycles: the Technical Reference Manual's timing table over executed instructions.

A QEMU plugin counts how often every instruction ran and how often it was left other than to its neighbour
(`counts`); the firmware's disassembly says what it is (`disassembly`); the table says what it takes (`timing`).
"""
