"""Following up who has seen what (PDL 4:3, 8:5; SoLPUL 10 §): the log as a screen, an extract, a file for a log service, and its seal."""
