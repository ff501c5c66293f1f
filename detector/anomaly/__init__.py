"""The isolation forest: features, model, calibration, explanation."""
