/* Faults end the run with a line that says what and where. */

#ifndef FAULT_H
#define FAULT_H

/* Gives memory, bus and usage faults their own vectors, where the core has them, so that the report names the kind. */
void fault_enable(void);

/* The vector of every exception. */
void fault_entry(void);

#endif
