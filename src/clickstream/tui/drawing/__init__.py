"""Pure functions of frames and figures that make text, boxes and the cells of tables for widgets and screens."""
