"""What every page uses: studies, widgets, tables, theme."""
