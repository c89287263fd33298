"""The main job without a terminal: open a study, start the engine, watch, deliver, report."""
