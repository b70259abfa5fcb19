"""What widgets and screens show, as pure functions of frames and figures: text, boxes, and the cells of tables."""
