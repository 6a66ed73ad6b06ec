"""What an installer asks of the program: judge its answer file, write the configuration."""
