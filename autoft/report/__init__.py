"""Shows: what a study learned, as frames, result.json, figures, a page, notes and the dashboard."""
