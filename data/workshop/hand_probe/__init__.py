"""How the simple judge of hands is made: features, fitting, calibration."""
