"""What stands behind the Library tab: libraries of one's own, uploads, facts, views, handlers."""
