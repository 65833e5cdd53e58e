"""The whole job on one machine: embedded broker, workers, platform sandbox and traffic."""
