"""Training: data from runs, tuning by ms-swift, and worlds as Gymnasium environments."""
