"""The dashboard: loaders, widgets and figures. Pages only put them together."""
